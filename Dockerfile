# The API, the weekly run, Dagster and MLflow: one image, each started by its own command.

FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements-setup.lock requirements-server.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements-setup.lock \
    && python -m venv --without-pip /opt/recsys \
    && uv pip install --no-cache --compile-bytecode --python /opt/recsys/bin/python \
        --require-hashes -r requirements-server.lock
COPY pyproject.toml README.md ./
COPY recsys_pipeline recsys_pipeline
# Nothing is fetched here: every package that this one needs is installed with its hash above.
RUN pip wheel --no-cache-dir --no-index --no-deps --no-build-isolation --wheel-dir /wheels . \
    && uv pip install --no-cache --offline --no-deps --compile-bytecode \
        --python /opt/recsys/bin/python /wheels/*.whl

FROM python:3.11-slim
# OpenMP, which the package implicit takes from the system. Debian keeps one version of it at a time.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/recsys /opt/recsys
# The folders are there so that volumes put in their places belong to this user.
RUN useradd --uid 10001 --create-home recsys \
    && install -d -o recsys -g recsys /srv/recsys /srv/recsys/data /srv/recsys/.dagster \
        /srv/recsys/mlruns /srv/mlflow
ENV PATH=/opt/recsys/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DAGSTER_HOME=/srv/recsys \
    MLFLOW_DISABLE_TELEMETRY=true
WORKDIR /srv/recsys
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/v1/health/ready', timeout=2)"]
# Beyond the loopback it starts only once there is a key: `recsys keys create`.
CMD ["recsys", "serve", "--host", "0.0.0.0", "--port", "8000"]
