"""Who we are to an object store, from the environment or an AWS profile; never from the ledger's URL.

Enters: the environment. Leaves: the configuration of an S3 store, for `bucket.py`. Nothing of it is ever printed.

The variables are those of every AWS tool: keys, `AWS_PROFILE` with its two files, a web identity (EKS, GitHub's OIDC),
a container's credentials (ECS, EKS Pod Identity). Without any of them the machine's own role is asked for (EC2).
A profile is read for its keys, region and endpoint; one that must be asked for somewhere (SSO, an assumed role,
a process) is refused with the command that turns it into variables.
"""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from pathlib import Path

from reconciler.model.errors import LedgerError

_VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
)
_IDENTITIES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_FROM_PROFILE = {
    "aws_access_key_id": "aws_access_key_id",
    "aws_secret_access_key": "aws_secret_access_key",
    "aws_session_token": "aws_session_token",
    "region": "aws_region",
    "endpoint_url": "aws_endpoint_url",
}
_ASKED_FOR = ("sso_session", "sso_start_url", "role_arn", "credential_process", "login_session")


def s3_config(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the configuration of an S3 store: variable names in lower case → values.

    A variable beats a profile; a profile named by AWS_PROFILE must exist, the one called `default` may.

    Raises:
        LedgerError: the profile is not there, its file cannot be read, or its keys must be asked for somewhere.
    """
    config = {name.lower(): environ[name] for name in _VARIABLES if environ.get(name)}
    named = environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE")
    identified = any(environ.get(name) for name in _IDENTITIES)
    profile = _profile(environ, named or "default")
    if not profile and named and not identified:
        raise LedgerError(
            f'there is no AWS profile "{named}"', "set AWS_PROFILE to one of `aws configure list-profiles`"
        )
    if not identified and "aws_access_key_id" not in profile and any(key in profile for key in _ASKED_FOR):
        name = named or "default"
        raise LedgerError(
            f'the AWS profile "{name}" holds no keys: they must be asked for',
            f'run: eval "$(aws configure export-credentials --profile {name} --format env)"',
        )
    found = {ours: profile[theirs] for theirs, ours in _FROM_PROFILE.items() if profile.get(theirs)}
    if identified:
        found = {key: value for key, value in found.items() if key in ("aws_region", "aws_endpoint_url")}
    if "aws_default_region" in config:
        found.pop("aws_region", None)
    return {**found, **config}


def endpoint(config: Mapping[str, str]) -> str:
    """Return the URL of the store that is spoken to; "" is that of AWS."""
    return config.get("aws_endpoint_url_s3") or config.get("aws_endpoint_url") or ""


def _profile(environ: Mapping[str, str], name: str) -> dict[str, str]:
    """Read what both files say of a profile; the one of credentials beats the other."""
    home = Path(environ.get("HOME") or "~").expanduser()
    config = Path(environ.get("AWS_CONFIG_FILE") or home / ".aws" / "config")
    keys = Path(environ.get("AWS_SHARED_CREDENTIALS_FILE") or home / ".aws" / "credentials")
    heading = name if name == "default" else f"profile {name}"
    return {**_section(config, heading), **_section(keys, name)}


def _section(file: Path, heading: str) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise LedgerError(f"{file} cannot be read: {error.strerror}", "make it readable, or set AWS_PROFILE") from None
    except (configparser.Error, UnicodeDecodeError):
        raise LedgerError(f"{file} is no file of AWS profiles", "write it anew with `aws configure`") from None
    return dict(parser[heading]) if parser.has_section(heading) else {}
