# The backup program with the tools of the very servers that compose.yaml runs.
FROM redis:7.4 AS redis
# With their loader and libraries: this image and PostgreSQL's may be of different Debians. The server is redis-check-rdb too.
RUN mkdir /redis && cd /usr/local/bin && \
  cp "$(readlink -f redis-check-rdb)" /redis/redis-server && cp redis-cli /redis && \
  ldd /redis/* | grep -o '/[^ ]*[.]so[^ ]*' | sort -u | xargs cp -t /redis && mv /redis/ld-* /redis/loader

FROM postgres:17
RUN apt-get update && apt-get install -y --no-install-recommends libatomic1 && rm -rf /var/lib/apt/lists/*
COPY --from=redis /redis /redis
RUN for tool in redis-server redis-cli; do \
    printf '#!/bin/sh\nexec /redis/loader --library-path /redis /redis/%s "$@"\n' "$tool" >/usr/local/bin/$tool && \
    chmod +x /usr/local/bin/$tool; \
  done
COPY --from=node:26-slim /usr/local/bin/node /usr/local/bin/
COPY --from=count /app /app
WORKDIR /app
ENTRYPOINT ["node", "packages/backup/src/main.ts"]
