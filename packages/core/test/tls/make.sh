#!/usr/bin/env bash
# Makes the certificates of the TLS tests anew: bash make.sh
set -eu
cd "$(dirname "$0")"
sign() { # name, subject alternative name, further options of "openssl x509"
  local name=$1 san=$2
  shift 2
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$name.key" -out "$name.csr" -subj "/CN=$name" 2>/dev/null
  openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -out "$name.pem" -extfile <(printf 'subjectAltName=%s' "$san") "$@" 2>/dev/null
  rm "$name.csr"
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 36500 -subj '/CN=test authority' 2>/dev/null
sign server IP:127.0.0.1 -days 36500
sign elsewhere DNS:elsewhere.test -days 36500
sign client DNS:client.test -days 36500
sign expired IP:127.0.0.1 -days -1
for name in client elsewhere; do # the x5t#S256 of RFC 8705, by other hands than ours
  openssl x509 -in "$name.pem" -outform DER | openssl dgst -sha256 -binary | basenc --base64url | tr -d = >"$name.x5t"
done
rm ca.key ca.srl
