# syntax=docker/dockerfile:1
# Lazaret in a container: the service and its decoders, non-root. It brings no clamd: name a pool in antivirus.clamd.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# Packages that are needed to build, the ONNX Runtime and the default model, each checked by SHA-256.
RUN scripts/setup.sh
RUN cargo build --release --locked -p lazaret -p lazaret-media -p lazaret-video \
 && install -D -t /out/bin target/release/lazaret target/release/lazaret-media target/release/lazaret-video \
 && install -D .setup/lib/libonnxruntime.so /out/lib/libonnxruntime.so \
 && mkdir -p /out/share/lazaret && cp -r models /out/share/lazaret/models

FROM debian:bookworm-slim
# Fonts for watermarks, certificates for TLS, curl for the health check, FFmpeg for films, SRT for live streams.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates curl fonts-dejavu-core fonts-noto-core \
    libavcodec59 libavformat59 libavutil57 libswresample4 libswscale6 srt-tools \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /var/lib/lazaret --create-home lazaret
COPY --from=build /out /usr/local
ENV LAZARET__MODELS__RUNTIME=/usr/local/lib/libonnxruntime.so \
    LAZARET__MODELS__FOLDER=/usr/local/share/lazaret/models \
    LAZARET__SERVER__DATA=/var/lib/lazaret \
    LAZARET__SERVER__LISTEN=0.0.0.0:8470
USER 10001
VOLUME /var/lib/lazaret
EXPOSE 8470
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD curl --fail --silent http://127.0.0.1:8470/healthz
ENTRYPOINT ["/usr/local/bin/lazaret"]
CMD ["serve"]
