#!/bin/sh
# Makes the secrets that compose.yaml gives its containers as files, in deploy/secrets, which is never committed. One that is there
# stays: to replace it, delete its file first, and then run the roles again (docs/deploying.md).
set -eu
umask 077
folder=$(dirname "$0")/secrets
mkdir -p "$folder"
# Users in containers have other numbers than yours, so the files are readable, and the folder keeps everybody else out.
chmod 700 "$folder"
for name in postgres_password owner_password consumer_password api_password eraser_password jwt_hs256_secret grafana_password; do
    if [ ! -s "$folder/$name" ]; then
        # By itself, so that a failure ends the script instead of leaving an empty secret.
        secret=$(openssl rand -hex 32)
        printf %s "$secret" > "$folder/$name"
        echo "made $folder/$name"
    fi
    chmod 644 "$folder/$name"
done
