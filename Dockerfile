# The image of the cluster: the locked packages and this project, without build tools, not root.
#
#     docker build -t REGISTRY/flyte-scraper:TAG .
#     export SCRAPER_CLUSTER__IMAGE=REGISTRY/flyte-scraper:TAG
#
# Under a read-only root, /home/scraper and /tmp are volumes; nothing else is written.

FROM python:3.12-slim AS build
COPY requirements.txt /src/
RUN python -m venv /opt/scraper \
 && /opt/scraper/bin/pip install --no-cache-dir --require-hashes -r /src/requirements.txt
COPY pyproject.toml README.md LICENSE /src/
COPY scraper /src/scraper
COPY workflows /src/workflows
RUN /opt/scraper/bin/pip install --no-cache-dir --no-deps /src

FROM python:3.12-slim
RUN useradd --create-home --uid 1000 scraper
COPY --from=build /opt/scraper /opt/scraper
ENV PATH=/opt/scraper/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DO_NOT_TRACK=1
USER 1000
# Flyte unpacks the code bundle here: the user must be able to write.
WORKDIR /home/scraper
ENTRYPOINT []
CMD ["scraper", "--help"]
