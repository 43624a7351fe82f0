# Holds the static binary that `make image` builds on the host, and nothing else:
# no base image to fetch, no shell, no package to patch. The binary carries the
# root certificates that it falls back to, since there are none in the image.
#
#   make image                          # this machine's architecture
#   make image ARCH=arm64 VERSION=0.1.0
FROM scratch
ARG TARGETARCH=amd64
LABEL org.opencontainers.image.title="kafka-scaler" \
      org.opencontainers.image.description="KEDA external scaler for Apache Kafka consumer groups" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --chmod=0555 bin/linux-${TARGETARCH}/kafka-scaler /kafka-scaler
USER 65532:65532
EXPOSE 6000 8080
ENTRYPOINT ["/kafka-scaler"]
CMD ["serve"]
