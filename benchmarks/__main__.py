"""``python -m benchmarks [NAME ...]``: run the measurements, all by default."""

import sys
from importlib import import_module

NAMES = (
    "rest_timeout",
    "function_timeout",
    "start_up",
    "stories",
    "polling",
    "delay_per_token",
    "alb_delay",
    "mock_llm_pace",
    "mock_llm_alone",
    "mock_llm_compare",
    "websocket_connections",
    "iot_subscribers",
    "appsync_subscribers",
    "appsync_events",
)


def main() -> int:
    wanted = sys.argv[1:] or list(NAMES)
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        print(f"no benchmark {unknown[0]!r}; there are: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    for name in wanted:
        print(f"\n== {name} ==", flush=True)
        import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
