#!/bin/sh
# nginx of Debian: /index from its configuration without touching a file, routes as expressions, files with sendfile, an upstream
# over connections that it keeps. It has no serializer and, as Debian packages it, nothing that waits.
# serves: plaintext plaintext-512 pipelined route close relay relay-64k file-64k file-1m two-workers idle-5000 idle-15000
set -e
nginx=$(command -v nginx || echo /usr/sbin/nginx)
folder=$(mktemp -d)
routes() {
    i=0
    while [ "$i" -lt 109 ]; do
        [ "$i" != 54 ] || echo "location ~ ^/users/(?<user>[^/]+)/orders/(?<order>[^/]+)\$ { return 200 \"\$user \$order\"; }"
        echo "location ~ ^/resource$i/[^/]+/items/[^/]+\$ { return 200 \"route $i\"; }"
        i=$((i + 1))
    done
}
cat > "$folder/nginx.conf" <<CONFIGURATION
daemon off;
worker_processes ${BENCH_WORKERS:-1};
worker_rlimit_nofile 40000;
pid $folder/nginx.pid;
error_log stderr warn;
events { worker_connections 20000; }
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
    upstream relayed {
        server 127.0.0.1:${BENCH_UPSTREAM:-9};
        keepalive 128;
        keepalive_requests 1000000000;
    }
    server {
        listen 127.0.0.1:$1 backlog=4096;
        default_type "text/html; charset=UTF-8";
        location = /index { return 200 "ok"; }
        location = /upstream {
            proxy_pass http://relayed/index;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }
        location /proxy/ {
            proxy_pass http://relayed/static/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }
$(routes)
        location /static/ { alias $TMPDIR/files/; }
        location / { return 404; }
    }
}
CONFIGURATION
exec "$nginx" -e stderr -p "$folder" -c "$folder/nginx.conf"
