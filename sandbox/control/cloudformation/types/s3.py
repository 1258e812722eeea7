"""S3: buckets and their policies."""

from __future__ import annotations

from typing import Any

from sandbox.control.cloudformation.errors import ResourceError
from sandbox.control.cloudformation.types.base import Request, ResourceType, policy_text, words
from sandbox.control.cloudformation.types.s3_notifications import notifications

# property -> operations that set and remove it, the parameter that takes it
_SETTINGS = {
    "AccelerateConfiguration": ("PutBucketAccelerateConfiguration", None, "AccelerateConfiguration"),
    "BucketEncryption": (
        "PutBucketEncryption",
        "DeleteBucketEncryption",
        "ServerSideEncryptionConfiguration",
    ),
    "CorsConfiguration": ("PutBucketCors", "DeleteBucketCors", "CORSConfiguration"),
    "LifecycleConfiguration": (
        "PutBucketLifecycleConfiguration",
        "DeleteBucketLifecycle",
        "LifecycleConfiguration",
    ),
    "LoggingConfiguration": ("PutBucketLogging", None, "BucketLoggingStatus"),
    "NotificationConfiguration": ("PutBucketNotificationConfiguration", None, "NotificationConfiguration"),
    "OwnershipControls": (
        "PutBucketOwnershipControls",
        "DeleteBucketOwnershipControls",
        "OwnershipControls",
    ),
    "PublicAccessBlockConfiguration": (
        "PutPublicAccessBlock",
        "DeletePublicAccessBlock",
        "PublicAccessBlockConfiguration",
    ),
    "Tags": ("PutBucketTagging", "DeleteBucketTagging", "Tagging"),
    "VersioningConfiguration": ("PutBucketVersioning", None, "VersioningConfiguration"),
    "WebsiteConfiguration": ("PutBucketWebsite", "DeleteBucketWebsite", "WebsiteConfiguration"),
    "ObjectLockConfiguration": ("PutObjectLockConfiguration", None, "ObjectLockConfiguration"),
}
_NOT_EMULATED = words(
    "AbacStatus AnalyticsConfigurations BucketNamePrefix BucketNamespace IntelligentTieringConfigurations "
    "InventoryConfigurations MetadataConfiguration MetadataTableConfiguration MetricsConfigurations "
    "ReplicationConfiguration"
)


class Bucket(ResourceType):
    type = "AWS::S3::Bucket"
    spec = (
        "AbacStatus AccelerateConfiguration{} AccessControl AnalyticsConfigurations[] BucketEncryption{} "
        "BucketName* BucketNamePrefix* BucketNamespace* CorsConfiguration{} "
        "IntelligentTieringConfigurations[] InventoryConfigurations[] LifecycleConfiguration{} "
        "LoggingConfiguration{} MetadataConfiguration{} MetadataTableConfiguration{} MetricsConfigurations[] "
        "NotificationConfiguration{} ObjectLockConfiguration{} ObjectLockEnabled OwnershipControls{} "
        "PublicAccessBlockConfiguration{} ReplicationConfiguration{} Tags[] VersioningConfiguration{} "
        "WebsiteConfiguration{}"
    )
    attributes = "Arn DomainName DualStackDomainName RegionalDomainName WebsiteURL"

    async def create(self, r: Request) -> None:
        self._refuse(r)
        name = r.get("BucketName") or r.name(63, lower=True)
        values: dict[str, Any] = {"Bucket": name}
        if r.region != "us-east-1":
            values["CreateBucketConfiguration"] = {"LocationConstraint": r.region}
        if "ObjectLockEnabled" in r.properties:
            values["ObjectLockEnabledForBucket"] = r["ObjectLockEnabled"]
        await r.send("s3", "CreateBucket", values)
        r.physical_id = name
        r.attributes = {
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "DualStackDomainName": f"{name}.s3.dualstack.{r.region}.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{r.region}.amazonaws.com",
            "WebsiteURL": f"http://{name}.s3-website-{r.region}.amazonaws.com",
        }
        await self._settings(r)

    async def update(self, r: Request) -> None:
        self._refuse(r)
        await self._settings(r)

    def _refuse(self, r: Request) -> None:
        if wrong := [name for name in _NOT_EMULATED if name in r.properties]:
            raise ResourceError(f"The sandbox does not emulate {', '.join(wrong)} of AWS::S3::Bucket.")

    async def _settings(self, r: Request) -> None:
        if r.changed("AccessControl") and "AccessControl" in r.properties:
            acl = _canned(str(r["AccessControl"]))
            await r.call("s3", "PutBucketAcl", Bucket=r.physical_id, ACL=acl)
        for name, (put, remove, parameter) in _SETTINGS.items():
            if not r.changed(name):
                continue
            if name in r.properties:
                await r.send("s3", put, {"Bucket": r.physical_id, parameter: _value(name, r[name])})
            elif remove is not None:
                await r.call("s3", remove, Bucket=r.physical_id)
            else:
                await r.call("s3", put, Bucket=r.physical_id, **{parameter: _nothing(name)})

    async def delete(self, r: Request) -> None:
        await r.call("s3", "DeleteBucket", Bucket=r.physical_id)


def _canned(name: str) -> str:
    """``PublicRead`` is ``public-read`` in the API."""
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")


def _nothing(name: str) -> dict[str, Any]:
    return {"Status": "Suspended"} if name in ("VersioningConfiguration", "AccelerateConfiguration") else {}


def _value(name: str, value: Any) -> Any:
    """The property in the API's form, where they differ by more than case."""
    if name == "Tags":
        return {"TagSet": value}
    if name == "AccelerateConfiguration":
        return {"Status": value["AccelerationStatus"]}
    if name == "BucketEncryption":
        rules = value["ServerSideEncryptionConfiguration"]
        return {
            "Rules": [
                {
                    ("ApplyServerSideEncryptionByDefault" if k == "ServerSideEncryptionByDefault" else k): v
                    for k, v in rule.items()
                }
                for rule in rules
            ]
        }
    if name == "CorsConfiguration":
        names = {"MaxAge": "MaxAgeSeconds", "ExposedHeaders": "ExposeHeaders", "Id": "ID"}
        return {"CORSRules": [{names.get(k, k): v for k, v in rule.items()} for rule in value["CorsRules"]]}
    if name == "LoggingConfiguration":
        names = {"DestinationBucketName": "TargetBucket", "LogFilePrefix": "TargetPrefix"}
        return {"LoggingEnabled": {names.get(k, k): v for k, v in value.items()}}
    if name == "LifecycleConfiguration":
        return {"Rules": [_rule(rule) for rule in value["Rules"]]}
    if name == "NotificationConfiguration":
        return notifications(value)
    if name == "ObjectLockConfiguration":
        return {"ObjectLockEnabled": "Enabled", **value}
    return value


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {"ID": rule.get("Id", ""), "Status": rule["Status"]}
    tags = [{"Key": t["Key"], "Value": t["Value"]} for t in rule.get("TagFilters") or []]
    prefix = rule.get("Prefix", "")
    known["Filter"] = {"And": {"Prefix": prefix, "Tags": tags}} if tags else {"Prefix": prefix}
    expiration: dict[str, Any] = {}
    for name, to in (("ExpirationInDays", "Days"), ("ExpirationDate", "Date")):
        if name in rule:
            expiration[to] = rule[name]
    if "ExpiredObjectDeleteMarker" in rule:
        expiration["ExpiredObjectDeleteMarker"] = rule["ExpiredObjectDeleteMarker"]
    if expiration:
        known["Expiration"] = expiration
    moves = [*(rule.get("Transitions") or []), *([rule["Transition"]] if "Transition" in rule else [])]
    if moves:
        names = {"TransitionInDays": "Days", "TransitionDate": "Date"}
        known["Transitions"] = [{names.get(k, k): v for k, v in move.items()} for move in moves]
    if "AbortIncompleteMultipartUpload" in rule:
        known["AbortIncompleteMultipartUpload"] = rule["AbortIncompleteMultipartUpload"]
    if "NoncurrentVersionExpiration" in rule:
        known["NoncurrentVersionExpiration"] = rule["NoncurrentVersionExpiration"]
    elif "NoncurrentVersionExpirationInDays" in rule:
        known["NoncurrentVersionExpiration"] = {"NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]}
    return known


class BucketPolicy(ResourceType):
    type = "AWS::S3::BucketPolicy"
    spec = "Bucket!* PolicyDocument!"

    async def create(self, r: Request) -> None:
        await self.update(r)
        r.physical_id = r["Bucket"]

    async def update(self, r: Request) -> None:
        await r.call("s3", "PutBucketPolicy", Bucket=r["Bucket"], Policy=policy_text(r["PolicyDocument"]))

    async def delete(self, r: Request) -> None:
        await r.call("s3", "DeleteBucketPolicy", Bucket=r["Bucket"])
