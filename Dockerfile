# The portal in one static binary. Data (database, key file) live in the volume /data.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /portico ./app && mkdir /data-empty

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /portico /portico
COPY --from=build --chown=nonroot:nonroot /data-empty /data
VOLUME /data
WORKDIR /data
EXPOSE 8080
ENTRYPOINT ["/portico"]
CMD ["serve", "--config", "/etc/portico.toml"]
