// SQS and DynamoDB, as any program would use them: the SDK compares MD5 digests by itself.
import { clients, input, say, sayError } from "./say.mjs";

const sqs = clients("@aws-sdk/client-sqs");
const dynamodb = clients("@aws-sdk/client-dynamodb");
const client = new sqs.SQSClient({ maxAttempts: 1 });
const send = (name, request) => client.send(new sqs[`${name}Command`](request));

const { QueueUrl } = await send("CreateQueue", { QueueName: "js", Attributes: { VisibilityTimeout: "5" } });
say({ url: QueueUrl });
const MessageAttributes = {
  text: { DataType: "String", StringValue: "ä" },
  bytes: { DataType: "Binary", BinaryValue: new Uint8Array([0, 255]) },
};
await send("SendMessage", { QueueUrl, MessageBody: "one", MessageAttributes });
const batch = await send("SendMessageBatch", {
  QueueUrl,
  Entries: [
    { Id: "a", MessageBody: "two", DelaySeconds: 3 },
    { Id: "b", MessageBody: "no", DelaySeconds: 901 },
  ],
});
say({ sent: batch.Successful.map((one) => one.Id), refused: batch.Failed.map((one) => one.Code) });
const first = await send("ReceiveMessage", { QueueUrl, MessageAttributeNames: ["All"], AttributeNames: ["All"] });
const [message] = first.Messages;
say({ body: message.Body, count: message.Attributes.ApproximateReceiveCount, bytes: [...message.MessageAttributes.bytes.BinaryValue] });
const later = await send("ReceiveMessage", { QueueUrl, WaitTimeSeconds: 20 });
say({ body: later.Messages[0].Body });
await send("DeleteMessage", { QueueUrl, ReceiptHandle: later.Messages[0].ReceiptHandle });
const again = await send("ReceiveMessage", { QueueUrl, WaitTimeSeconds: 20 });
say({ body: again.Messages[0].Body });
try {
  await send("GetQueueUrl", { QueueName: "none" });
} catch (error) {
  say({ known: error instanceof sqs.QueueDoesNotExist });
  sayError(error);
}

const table = new dynamodb.DynamoDBClient({ maxAttempts: 1 });
const ask = (name, request) => table.send(new dynamodb[`${name}Command`](request));
await ask("PutItem", { TableName: input.table, Item: { job: { S: "j" }, text: { S: "one" }, n: { N: "1" } } });
await ask("UpdateItem", {
  TableName: input.table,
  Key: { job: { S: "j" } },
  UpdateExpression: "SET #t = :t ADD n :one",
  ExpressionAttributeNames: { "#t": "text" },
  ExpressionAttributeValues: { ":t": { S: "one two" }, ":one": { N: "1" } },
});
try {
  await ask("PutItem", { TableName: input.table, Item: { job: { S: "j" } }, ConditionExpression: "attribute_not_exists(job)" });
} catch (error) {
  sayError(error);
}
say((await ask("GetItem", { TableName: input.table, Key: { job: { S: "j" } }, ConsistentRead: true })).Item);
