"""Topic rules: messages that go on to functions, queues, tables and other topics."""

from sandbox.services.iot.rules.engine import RulesEngine

__all__ = ["RulesEngine"]
