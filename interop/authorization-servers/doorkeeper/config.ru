# Makes the database, the clients and a user, and serves.
require "erb"
require_relative "application"

# The migration that `rails generate doorkeeper:install` and `doorkeeper:migration` write.
template = Doorkeeper::Engine.root.join("lib/generators/doorkeeper/templates/migration.rb.erb")
migration_version = "[6.1]"
eval(ERB.new(template.read).result(binding), TOPLEVEL_BINDING)
ActiveRecord::Migration.suppress_messages { CreateDoorkeeperTables.migrate(:up) }
ActiveRecord::Migration.suppress_messages { ActiveRecord::Schema.define { create_table(:users) } }
User.create!

{ "app" => "read write", "gateway" => "" }.each do |id, scopes|
  Doorkeeper::Application.create!(
    name: id,
    uid: id,
    secret: ENV.fetch("#{id.upcase}_SECRET"),
    scopes: scopes,
    redirect_uri: "https://app.example.com/callback"
  )
end

run Rails.application
