"""The connection to the cloud: one global request id for everything, and errors that a user can read."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, cast

import openstack.config
import openstack.exceptions
from keystoneauth1 import exceptions as auth_errors
from openstack.block_storage.v3._proxy import Proxy as VolumeApi
from openstack.connection import Connection
from openstack.identity.v3._proxy import Proxy as IdentityApi
from openstack.image.v2._proxy import Proxy as ImageApi

from hoplab.lab.deployment import Deployment
from hoplab.model import files
from hoplab.model.errors import ConfigurationError, LaunchError, SourceError
from hoplab.model.schemas import TEXT, object_schema
from hoplab.model.validation import Validator, checked

ANSWER_SECONDS: Final = 120
"""How long an API may keep silent: without a limit, one that hangs would hang us too."""


def new_request_id() -> str:
    """Return a new global request id, such as req-2f1c..., as every OpenStack service accepts it."""
    return f"req-{uuid.uuid4()}"


def connect(deployment: Deployment, global_request_id: str, answer_seconds: float = ANSWER_SECONDS) -> Connection:
    """Return a connection to the lab's cloud; every request it makes carries the global request id.

    answer_seconds: how long an API may keep silent. Environment variables (OS_*) and the user's own clouds.yaml have no
    say. Nothing is sent yet.
    Raises ConfigurationError if the clouds file has no such cloud.
    """
    _check_clouds(deployment)
    try:
        config = openstack.config.OpenStackConfig(
            config_files=[str(deployment.clouds_file)], secure_files=[], vendor_files=[], load_envvars=False
        )
        region = config.get_one(cloud=deployment.cloud, region_name=deployment.region, api_timeout=answer_seconds)
    # What openstacksdk does not expect in the file it meets with whatever happens to be raised then.
    except Exception as error:  # noqa: BLE001 since it may be anything
        raise ConfigurationError(
            f"{deployment.clouds_file}: cloud {deployment.cloud!r} cannot be used ({error}): run `make lab`"
        ) from None
    return Connection(config=region, global_request_id=global_request_id)


def _check_clouds(deployment: Deployment) -> None:
    """Raise ConfigurationError that names file and place if the clouds file is not of the form that is needed."""
    advice = "correct it, or run `make lab` to write it anew"
    scalar = {"type": ["string", "number", "boolean", "null"]}
    auth = {**object_schema({"auth_url": TEXT}), "additionalProperties": TEXT}
    cloud = {**object_schema({"auth": auth}), "additionalProperties": scalar}
    form = object_schema({"clouds": object_schema({deployment.cloud: cloud})})
    found = files.read_yaml(deployment.clouds_file, advice=advice)
    checked(deployment.clouds_file, found, Validator(form), advice=advice)


def project_id(cloud: Connection) -> str:
    """Return the id of the project that the connection works in. Asks Keystone for a token if there is none yet."""
    found = cloud.current_project_id
    if found is None:
        raise ConfigurationError("the credentials in the clouds file are for no project: add project_name")
    return str(found)


def image_api(cloud: Connection) -> ImageApi:
    """Return Glance's API in the one version that the lab has."""
    return cast("ImageApi", cloud.image)


def identity_api(cloud: Connection) -> IdentityApi:
    """Return Keystone's API in the one version that the lab has."""
    return cast("IdentityApi", cloud.identity)


def volume_api(cloud: Connection) -> VolumeApi:
    """Return Cinder's API in the one version that the lab has."""
    return cast("VolumeApi", cloud.block_storage)


@contextmanager
def translate_errors(doing: str) -> Iterator[None]:
    """Turn what openstacksdk raises into hoplab's errors.

    doing: what was being done, for the message. A refusal by an API becomes LaunchError with its request id;
    an API that can't be reached, or that doesn't accept the credentials, becomes SourceError.
    """
    try:
        yield
    except openstack.exceptions.HttpException as error:
        request = f" (request id {error.request_id})" if error.request_id else ""
        detail = str(error.details or error.message or type(error).__name__)
        raise LaunchError(f"{doing}: {error.status_code} from {error.url!s}: {detail}{request}") from error
    except openstack.exceptions.SDKException as error:
        raise LaunchError(f"{doing}: {error}") from error
    except auth_errors.ClientException as error:
        raise SourceError(f"{doing}: {error}") from error
