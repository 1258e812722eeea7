// @aws-appsync/utils/ai: requests to Bedrock's runtime.
"use strict";
(function (lib) {
  lib.modules["@aws-appsync/utils/ai"] = {
    invokeModel: (request) => ({ operation: "InvokeModel", ...request }),
    converse: (request) => ({ operation: "Converse", ...request }),
  };
})(__lib);
