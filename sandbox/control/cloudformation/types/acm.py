"""Certificate Manager: records for listeners to name. The sandbox shows its own certificate to every client."""

from __future__ import annotations

from sandbox.control.cloudformation.types.base import Request, ResourceType, tags_changed


class Certificate(ResourceType):
    """AWS waits until the domain is validated; here nobody has to."""

    type = "AWS::CertificateManager::Certificate"
    spec = (
        "CertificateAuthorityArn* CertificateExport CertificateTransparencyLoggingPreference DomainName!* "
        "DomainValidationOptions*[] KeyAlgorithm* SubjectAlternativeNames*[] Tags[] ValidationMethod*"
    )

    async def create(self, r: Request) -> None:
        names = (
            "CertificateAuthorityArn DomainName KeyAlgorithm SubjectAlternativeNames Tags ValidationMethod"
        )
        made = await r.send("acm", "RequestCertificate", r.pick(names))
        r.physical_id = made["CertificateArn"]

    async def update(self, r: Request) -> None:
        added, removed = tags_changed(r)
        if added:
            await r.call("acm", "AddTagsToCertificate", CertificateArn=r.physical_id, Tags=added)
        if removed:
            gone = [{"Key": key} for key in removed]
            await r.call("acm", "RemoveTagsFromCertificate", CertificateArn=r.physical_id, Tags=gone)

    async def delete(self, r: Request) -> None:
        await r.call("acm", "DeleteCertificate", CertificateArn=r.physical_id)
