/** What the nginx that proxies and the nginx that is the upstream have in common. */

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** A whole configuration, in the foreground, that keeps its files in `folder`. */
export function nginxConfig(folder: string, http: readonly string[], workers = 1): string {
  return [
    `user root; worker_processes ${workers}; daemon off; worker_rlimit_nofile 20000;`,
    `pid ${folder}/pid; error_log ${folder}/error.log crit;`,
    'events { worker_connections 8192; }',
    'http {',
    'access_log off; tcp_nodelay on; default_type text/plain;',
    'keepalive_requests 100000000; keepalive_timeout 3600;',
    ...TEMPORARY.map((name) => `${name}_temp_path ${folder}/${name};`),
    ...http,
    '}',
    '',
  ].join('\n');
}
