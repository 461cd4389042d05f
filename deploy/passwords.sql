-- Gives the roles of roles.sql that log in their passwords, from files in the folder /run/secrets or another one: owner_password,
-- consumer_password, api_password, eraser_password. A role without a file keeps what it has. It names each role that
-- has got one. Run it as a superuser, after roles.sql:
--
--     psql --set ON_ERROR_STOP=1 --set secrets=/run/secrets --dbname metrics --file passwords.sql
--
-- Passwords pass through psql's variables, so they are in no command line. The server is told neither to log these statements nor to show
-- them in pg_stat_activity. It still gets each password in plain text, and makes the SCRAM verifier: psql can't make one from a file. So
-- come by the server's own socket or with sslmode=verify-full. An extension that looks at statements, such as pgaudit, sees them.
\if :{?secrets}
\else
\set secrets /run/secrets
\endif
set track_activities = off;
set log_statement = 'none';
set log_min_duration_statement = -1;
set log_min_error_statement = 'panic';
set pg_stat_statements.track = 'none';
set password_encryption = 'scram-sha-256';

\set given `test -n "$(cat :secrets/owner_password 2>/dev/null)" && echo true || echo false`
\if :given
\set password `cat :secrets/owner_password`
alter role business_metrics_owner password :'password';
\echo business_metrics_owner has its password
\endif

\set given `test -n "$(cat :secrets/consumer_password 2>/dev/null)" && echo true || echo false`
\if :given
\set password `cat :secrets/consumer_password`
alter role business_metrics_consumer password :'password';
\echo business_metrics_consumer has its password
\endif

\set given `test -n "$(cat :secrets/api_password 2>/dev/null)" && echo true || echo false`
\if :given
\set password `cat :secrets/api_password`
alter role business_metrics_api password :'password';
\echo business_metrics_api has its password
\endif

\set given `test -n "$(cat :secrets/eraser_password 2>/dev/null)" && echo true || echo false`
\if :given
\set password `cat :secrets/eraser_password`
alter role business_metrics_eraser password :'password';
\echo business_metrics_eraser has its password
\endif
