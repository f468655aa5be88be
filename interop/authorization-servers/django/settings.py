# The settings of a Django project that is an authorization server with Django OAuth Toolkit.
import os

SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "oauth2_provider"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE"]}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Without it, the `exp` of an introspection answer is off by the time zone: the toolkit takes local time for UTC.
USE_TZ = True

OAUTH2_PROVIDER = {
    # `introspection` lets a bearer token ask about other tokens; a client that authenticates needs no scope.
    "SCOPES": {"read": "Reading", "write": "Writing", "introspection": "Asking about tokens"},
    # Otherwise a client that names no scope gets them all, `introspection` among them.
    "DEFAULT_SCOPES": ["read"],
    "ACCESS_TOKEN_EXPIRE_SECONDS": 600,
}
