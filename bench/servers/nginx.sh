#!/bin/sh
# nginx of Debian, one worker: /index from its configuration without touching a file, files with sendfile.
set -e
nginx=$(command -v nginx || echo /usr/sbin/nginx)
folder=$(mktemp -d)
cat > "$folder/nginx.conf" <<CONFIGURATION
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid $folder/nginx.pid;
error_log stderr warn;
events { worker_connections 16384; }
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 1h;
    keepalive_requests 1000000000;
    client_body_temp_path $folder/body;
    proxy_temp_path $folder/proxy;
    fastcgi_temp_path $folder/fastcgi;
    uwsgi_temp_path $folder/uwsgi;
    scgi_temp_path $folder/scgi;
    server {
        listen 127.0.0.1:$1 backlog=4096;
        default_type "text/html; charset=UTF-8";
        location = /index { return 200 "ok"; }
        location /static/ { alias $TMPDIR/files/; }
        location / { return 404; }
    }
}
CONFIGURATION
exec "$nginx" -e stderr -p "$folder" -c "$folder/nginx.conf"
