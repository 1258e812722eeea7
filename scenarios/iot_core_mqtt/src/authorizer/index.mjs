/** A custom authorizer: whoever knows the password may read and write in the room that the user name names. */
export const handler = async ({ protocolData }) => {
  const { clientId, username = "", password = "" } = protocolData.mqtt ?? {};
  const room = username.split("?")[0];
  const known = Buffer.from(password, "base64").toString() === process.env.PASSWORD;
  const arn = (kind, name) => `arn:aws:iot:${process.env.AWS_REGION}:${process.env.ACCOUNT}:${kind}/${name}`;
  const allow = (Action, Resource) => ({ Effect: "Allow", Action, Resource });
  return {
    isAuthenticated: known && /^[a-z]+$/.test(room),
    principalId: "guest",
    disconnectAfterInSeconds: 86400,
    refreshAfterInSeconds: 86400,
    policyDocuments: [
      {
        Version: "2012-10-17",
        Statement: [
          allow("iot:Connect", arn("client", clientId)),
          allow(["iot:Publish", "iot:Receive"], arn("topic", `room/${room}/*`)),
          allow("iot:Subscribe", arn("topicfilter", `room/${room}/*`)),
        ],
      },
    ],
  };
};
