# A Rails application with nothing in it but Doorkeeper.
require "rails"
require "active_record/railtie"
require "action_controller/railtie"
require "doorkeeper"

class AuthorizationServer < Rails::Application
  config.root = __dir__
  config.load_defaults 6.1
  config.eager_load = true
  # Nothing is written beside this file.
  config.logger = Logger.new($stdout)
  config.log_level = :warn
  config.cache_store = :null_store
  # The consent is posted without its form.
  config.action_controller.allow_forgery_protection = false
end

class User < ActiveRecord::Base; end

class ApplicationController < ActionController::Base
  # Signed in already: the sign-in is not what is tested.
  def current_user
    User.first
  end
end

AuthorizationServer.initialize!
