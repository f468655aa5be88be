Doorkeeper.configure do
  orm :active_record
  base_controller "ApplicationController"
  grant_flows %w[authorization_code client_credentials]
  access_token_expires_in ENV["TOKEN_SECONDS"]&.to_i
  use_refresh_token
  default_scopes :read
  optional_scopes :write
  resource_owner_authenticator { current_user }

  # The gateway may ask about every application's tokens. Without this block an application may ask about its own
  # only, and all others are "not active" to it.
  allow_token_introspection do |_token, client, _bearer|
    client&.uid == ENV.fetch("GATEWAY_CLIENT_ID")
  end

  custom_introspection_response do |token, context|
    # A refresh token leads to the same record as its access token, which would be described as if it had been sent.
    if token.class.by_token(context.params["token"]).nil?
      { active: false }
    else
      # A string, as RFC 7662 has it; the column is a number.
      { sub: token.resource_owner_id&.to_s }.compact
    end
  end
end
