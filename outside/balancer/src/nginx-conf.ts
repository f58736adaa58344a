/**
 * The configuration of nginx (1.22 or later) or Angie in front of several gateways: pure. The system's own balancer is
 * started with it, and `deploy/angie/angie.conf` is made of it (tools/balancer.ts).
 */

export interface BalancerPlan {
  /** As `listen` takes it: `127.0.0.1:8000`, `8080`. */
  readonly listen: string
  /** `host:port` of each gateway. */
  readonly gateways: readonly string[]
  /** Folder that it may write to: process id, temporary files, kept answers. */
  readonly folder: string
  /** Whose the workers are, where it is started by root. */
  readonly user?: string
  /** A name server, where gateways come back under other addresses. */
  readonly resolver?: string
  readonly workers: number | 'auto'
  /** A file; without one nothing is written: each gateway writes a line for each request. */
  readonly accessLog?: string
}

/** How long a gateway that refused or broke a connection is left out, in seconds. */
export const leftOutSeconds = 1

/** The whole file. */
export const nginxConf = ({ listen, gateways, folder, user, resolver, workers, accessLog }: BalancerPlan): string => `\
# In front of several gateways (R4.3): made by outside/balancer/src/nginx-conf.ts. For nginx from 1.22 on, and Angie.
# What a gateway decides (who may, how often, which service) it decides; this balances, and answers public GETs from
# its cache while every gateway is away.
${user === undefined ? '' : `user ${user};\n`}worker_processes ${workers};
pid ${folder}/balancer.pid;
error_log stderr warn;

events {
    worker_connections 4096;
}

http {
    # Everything that is written lies here.
    client_body_temp_path ${folder}/client-body;
    proxy_temp_path ${folder}/proxy;
    fastcgi_temp_path ${folder}/fastcgi;
    uwsgi_temp_path ${folder}/uwsgi;
    scgi_temp_path ${folder}/scgi;

    log_format json escape=json '{"time":"$time_iso8601","service":"edge","method":"$request_method","path":"$uri",'
        '"status":$status,"durationSeconds":$request_time,"upstream":"$upstream_addr","cache":"$upstream_cache_status",'
        '"client":"$remote_addr","traceparent":"$sent_http_traceparent"}';
    access_log ${accessLog === undefined ? 'off' : `${accessLog} json`};
    server_tokens off;
${resolver === undefined ? '' : `\n    # A gateway that comes back under another address is found again.\n    resolver ${resolver} valid=5s ipv6=off;\n`}
    proxy_cache_path ${folder}/cache levels=1:2 keys_zone=public:4m max_size=64m inactive=1d use_temp_path=off;

    upstream gateways {
        zone gateways 64k;
        least_conn;
        # One that breaks or refuses a connection is left out for a moment: whatever comes meanwhile goes to the others.
${gateways.map((address) => `        server ${address} max_fails=1 fail_timeout=${leftOutSeconds}s;`).join('\n')}
        # Less than the gateway's own 65 s, so that a request never meets a connection that is just being closed.
        keepalive 32;
        keepalive_timeout 50s;
    }

    map $http_upgrade $connection_upgrade {
        default upgrade;
        ''      '';
    }

    server {
        listen ${listen};
        # As the gateway's own limits (services/gateway/src/config.ts).
        client_max_body_size 1m;
        client_header_timeout 10s;
        client_body_timeout 30s;
        large_client_header_buffers 4 16k;

        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header Connection $connection_upgrade;
        proxy_set_header Upgrade $http_upgrade;
        # Set, never appended: what a client says of itself is believed by nobody.
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        # A gateway that is about to stop lets go of a GET without an answer: it is asked of another, and this one is left
        # out before it closes (decision 0075).
        proxy_set_header X-Svyaz-Balanced 1;
        proxy_connect_timeout 1s;
        proxy_read_timeout 35s;
        # Another gateway is asked only when nothing was sent to the first, or the method is safe to repeat. A 503 is an
        # answer: often of a service that is away, which no other gateway would reach either.
        proxy_next_upstream error timeout;
        proxy_next_upstream_tries 3;

        # The balancer's own health, whatever is behind it.
        location = /edge/health {
            access_log off;
            default_type application/json;
            return 200 '{"status":"up"}\\n';
        }

        # Public and the same for everybody: kept for a second, and served stale while no gateway answers.
        location ~ ^/products(/|$) {
            proxy_pass http://gateways;
            proxy_cache public;
            proxy_cache_methods GET HEAD;
            proxy_cache_key $scheme$host$request_uri;
            # Anyone who signs in gets the gateway's own answer, and leaves nothing behind.
            proxy_cache_bypass $http_authorization;
            proxy_no_cache $http_authorization;
            proxy_ignore_headers Cache-Control Expires Vary;
            proxy_cache_valid 200 1s;
            proxy_cache_lock on;
            proxy_cache_use_stale error timeout updating http_500 http_502 http_503 http_504;
            add_header X-Cache $upstream_cache_status always;
        }

        # Streams last: server-sent events and WebSockets are passed on byte by byte.
        location ~ ^/(notifications/stream|orders/[^/]+/follow)$ {
            proxy_pass http://gateways;
            proxy_buffering off;
            proxy_read_timeout 1h;
        }

        location / {
            proxy_pass http://gateways;
        }
    }
}
`
