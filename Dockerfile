# The program alone, static, on nothing, for nobody in particular. Built from a checkout: docker build -t gatehouse .

FROM node:22-bookworm-slim AS playground
WORKDIR /src/web/playground
COPY web/playground/package.json web/playground/package-lock.json ./
RUN npm ci
COPY web/playground ./
RUN npm run build

FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=playground /src/web/playground/dist web/playground/dist
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X 'main.stamp=$(scripts/version)'" -o /out/gatehouse ./cmd/gatehouse
# A folder that belongs to the user below, since the last stage has no program that could make one.
RUN mkdir -p /out/data && chown 65532:65532 /out/data && chmod 0700 /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build /out/gatehouse /gatehouse
USER 65532:65532
ENV GATEHOUSE_DATADIR=/data
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 CMD ["/gatehouse", "health"]
ENTRYPOINT ["/gatehouse"]
