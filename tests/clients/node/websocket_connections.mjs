// The management API of WebSocket APIs: push to a connection, ask for it, end it, and push to one that is gone.
import { clients, input, say, sayError } from "./say.mjs";

const sdk = clients("@aws-sdk/client-apigatewaymanagementapi");
const client = new sdk.ApiGatewayManagementApiClient({ endpoint: input.address, maxAttempts: 1 });
const ConnectionId = input.connection;
const posted = await client.send(new sdk.PostToConnectionCommand({ ConnectionId, Data: input.text }));
say({ posted: posted.$metadata.httpStatusCode });
const found = await client.send(new sdk.GetConnectionCommand({ ConnectionId }));
say({ connected: found.ConnectedAt instanceof Date, ip: found.Identity.SourceIp });
const ended = await client.send(new sdk.DeleteConnectionCommand({ ConnectionId }));
say({ ended: ended.$metadata.httpStatusCode });
try {
  await client.send(new sdk.PostToConnectionCommand({ ConnectionId, Data: "x" }));
} catch (error) {
  sayError(error);
}
