"""Print the installed versions as pip constraints, without any address."""

from importlib.metadata import distributions

OWN = "genai-streaming-sandbox"


def main() -> None:
    pins = {dist.metadata["Name"].lower(): dist.version for dist in distributions()}
    for name in sorted(pins.keys() - {OWN, "pip", "setuptools", "wheel"}):
        print(f"{name}=={pins[name]}")


if __name__ == "__main__":
    main()
