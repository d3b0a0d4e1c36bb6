"""What is wrong with a store, in a few words: from what obstore raises and what the server said.

In: an error. Out: one line for a person. An object store tells its reason as XML in the answer's
body, and a missing bucket looks at first sight like a missing key.

Raises nothing but what it is asked to look at.

Source: Amazon S3 REST API, error responses; GCS' XML API and Azure Blob answer alike.
"""

import re

__all__ = ["SCHEMES", "reason_of", "refuse_without_bucket"]

SCHEMES = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
"""The object stores, and where their credentials are usually given."""

_SAID = re.compile(r"<Code>([^<]+)</Code>\s*<Message>([^<\n]*)")
_NO_BUCKET = ("<Code>NoSuchBucket<", "<Code>ContainerNotFound<")
_INSTANCE = (
    "//169.254.169.254/",
    "/latest/api/token",
    "//metadata.google.internal/",
    "//metadata/",
)
"""Where obstore asks for credentials when it was given none: the cloud that the machine is in."""

_GONE = re.compile(r"Error performing \w+ (https?://[^/\s]+)\S* in .*HTTP error: ")


def reason_of(error: BaseException) -> str:
    """What went wrong, on one line, without the addresses and times that obstore adds."""
    text = str(error)
    if any(address in text for address in _INSTANCE):
        given = "; ".join(f"{scheme}://: {names}" for scheme, names in SCHEMES.items())
        return f"no credentials: they are taken from the environment ({given})"
    if said := _SAID.search(text):
        return f"{said[2].strip() or 'refused'} ({said[1]})"
    first_line = text.split("\n", 1)[0]
    if gone := _GONE.search(first_line):
        return f"{gone[1]} doesn't answer: {first_line.rsplit('HTTP error: ', 1)[1]}"
    return first_line


def refuse_without_bucket(error: FileNotFoundError) -> None:
    """Tell a key that isn't there from a bucket that isn't.

    Raises:
        FileNotFoundError: the error itself, where it is the bucket.
    """
    if any(code in str(error) for code in _NO_BUCKET):
        raise error
