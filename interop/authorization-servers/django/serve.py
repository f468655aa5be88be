# Makes the database, the clients and a user, and serves: `python3 serve.py PORT`.
import os
import sys

import django
from django.core.management import call_command

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()
call_command("migrate", verbosity=0)

from django.contrib.auth.models import User  # noqa: E402
from oauth2_provider.models import Application  # noqa: E402

User.objects.create_user("alice", password=os.environ["USER_PASSWORD"])


def create_client(client_id, secret, grant_type):
    Application.objects.create(
        client_id=client_id,
        client_secret=secret,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=grant_type,
    )


create_client("app", os.environ["APP_SECRET"], Application.GRANT_CLIENT_CREDENTIALS)
create_client("user-app", os.environ["USER_APP_SECRET"], Application.GRANT_PASSWORD)
create_client("gateway", os.environ["GATEWAY_SECRET"], Application.GRANT_CLIENT_CREDENTIALS)

call_command("runserver", f"127.0.0.1:{sys.argv[1]}", use_reloader=False)
