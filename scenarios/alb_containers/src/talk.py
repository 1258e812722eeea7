"""The same answers on a WebSocket, by the usual extension of Flask."""

import json

from flask_sock import Sock
from model import tokens
from simple_websocket import Server

sock = Sock()


@sock.route("/ws")
def talk(socket: Server) -> None:
    """A message with a prompt, a message for each token, then one that says it was the last."""
    while True:
        for token in tokens(json.loads(socket.receive())["prompt"]):
            socket.send(json.dumps({"token": token}))
        socket.send(json.dumps({"done": True}))
