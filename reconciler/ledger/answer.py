"""What an object store's error says: its code and status, whether it passes by itself, and what a person can do.

Enters: an error's text as the library writes it, with addresses, ids and dumps. Leaves: the code and the status, and
sentences of ours; nothing else of it is fit for a message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_CODE = re.compile(r"(?:<Code>|\(code: )\s*([A-Za-z0-9.]{1,80})\s*(?:</Code>|\))")
_STATUS = re.compile(r"status code: (\d{3})")
_PASSING = ("408", "409", "425", "429", "500", "502", "503", "504")
_EXISTS = ("BlobAlreadyExists",)
_MISSING = ("NoSuchKey", "NoSuchVersion", "BlobNotFound")
_NO_ROLE = "169.254."
_UNKNOWN = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "XAdminUserNotFound")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from a store.

    Attributes:
        status: of HTTP; "" where nothing came back.
        code: the store's own word for the error, "" without one.
        nobody: the machine was asked for a role because there are no credentials, and has none.
        garbled: something came back that no object store says.
        untrusted: the certificate is of an authority that this machine does not know, or of another host.
    """

    status: str = ""
    code: str = ""
    nobody: bool = False
    garbled: bool = False
    untrusted: bool = False

    def __str__(self) -> str:
        return "nonsense" if self.garbled else f"{self.status} {self.code}".strip()

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed in a moment; 409 is the answer to two writes at once."""
        if self.hopeless or self.garbled or self.code in _EXISTS:
            return False
        return not self.status or self.status in _PASSING

    @property
    def hopeless(self) -> str:
        """What is missing for every request, "" where nothing is."""
        if self.nobody:
            return "no credentials were found"
        if self.untrusted:
            return "the store's certificate is not trusted"
        return "there is no such bucket" if self.code == "NoSuchBucket" else ""

    @property
    def missing(self) -> bool:
        """Whether the store says that there is no such object; 404 is also said by gateways, and of users."""
        return self.code in _MISSING

    @property
    def hint(self) -> str:
        """What to do about it, "" where the code and status do not tell."""
        if self.nobody:
            return "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        if self.untrusted:
            return "set SSL_CERT_FILE to the certificate of the authority that signed it"
        if self.code == "NoSuchBucket":
            return "make the bucket, or correct --ledger"
        if self.code in _UNKNOWN or self.status == "401":
            return "correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        if self.code == "RequestTimeTooSkewed":
            return "set this machine's clock"
        return {
            "403": "allow s3:GetObject, s3:PutObject and s3:DeleteObject there, and s3:ListBucket on the bucket: "
            "without that one a missing object is answered as forbidden",
            "301": "set AWS_REGION to the region of the bucket",
            "400": "set AWS_REGION to the region of the bucket, and see whether AWS_ENDPOINT_URL is right",
            "501": "use a store that takes If-Match and If-None-Match with PUT",
        }.get(self.status, "")


def heard(text: str) -> Answer:
    """Read the text of an error."""
    said, _, dump = text.partition("Debug source")
    code, status = _CODE.search(said), _STATUS.search(said)
    if status:
        return Answer(status.group(1), code.group(1) if code else "", nobody=_NO_ROLE in said)
    if "redirect without LOCATION" in said:
        return Answer("301")
    if code:  # of several objects, one could not be removed
        return Answer("403" if code.group(1) == "AccessDenied" else "200", code.group(1))
    unheard = "HTTP error" in said
    return Answer(nobody=_NO_ROLE in said, garbled=not unheard, untrusted=unheard and "InvalidCertificate" in dump)
