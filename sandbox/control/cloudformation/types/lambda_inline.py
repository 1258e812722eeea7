"""Code written in a template: ``index.js`` or ``index.py`` beside the ``cfn-response`` module.

Source: AWS CloudFormation Template Reference, "AWS::Lambda::Function Code" (ZipFile; what the module's ``send``
takes and sends).
"""

from __future__ import annotations

from sandbox.control.cloudformation.errors import ResourceError
from sandbox.control.cloudformation.zips import zip_texts

_NODE = """\
const https = require('https');

exports.SUCCESS = 'SUCCESS';
exports.FAILED = 'FAILED';

exports.send = (event, context, responseStatus, responseData, physicalResourceId, noEcho) => {
  const answer = JSON.stringify({
    Status: responseStatus,
    Reason: `See the details in CloudWatch Log Stream: ${context.logStreamName}`,
    PhysicalResourceId: physicalResourceId || context.logStreamName,
    StackId: event.StackId,
    RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId,
    NoEcho: noEcho || false,
    Data: responseData,
  });
  const headers = { 'content-type': '', 'content-length': Buffer.byteLength(answer) };
  return new Promise((resolve) => {
    const done = () => { context.done(); resolve(); };
    const request = https.request(event.ResponseURL, { method: 'PUT', headers }, (response) => {
      response.resume();
      response.on('end', done);
    });
    request.on('error', (error) => { console.log(`send(..) failed: ${error}`); done(); });
    request.end(answer);
  });
};
"""

_PYTHON = """\
import json
import urllib.request

SUCCESS = "SUCCESS"
FAILED = "FAILED"


def send(event, context, responseStatus, responseData, physicalResourceId=None, noEcho=False, reason=None):
    answer = {
        "Status": responseStatus,
        "Reason": reason or f"See the details in CloudWatch Log Stream: {context.log_stream_name}",
        "PhysicalResourceId": physicalResourceId or context.log_stream_name,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "NoEcho": noEcho,
        "Data": responseData,
    }
    request = urllib.request.Request(
        event["ResponseURL"], json.dumps(answer).encode(), {"content-type": ""}, method="PUT"
    )
    try:
        with urllib.request.urlopen(request) as response:
            print("Status code:", response.status)
    except OSError as error:
        print("send(..) failed:", error)
"""

MAX_INLINE = 4_096  # characters; source: the page named above


def inline_zip(code: str, runtime: str) -> bytes:
    """The zip of inline code. Raises :class:`ResourceError` for a runtime that takes none."""
    if len(code) > MAX_INLINE:
        raise ResourceError(f"Member must have length less than or equal to {MAX_INLINE} (Code.ZipFile)")
    if runtime.startswith("nodejs"):
        return zip_texts({"index.js": code, "cfn-response.js": _NODE})
    if runtime.startswith("python"):
        return zip_texts({"index.py": code, "cfnresponse.py": _PYTHON})
    raise ResourceError(
        f"ZipFile can only be used when Runtime is set to either of nodejs, python, not {runtime}"
    )
