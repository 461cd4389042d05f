-- Gives the roles of roles.sql that log in their passwords, from files in the folder /run/secrets or another one: owner_password,
-- consumer_password, api_password, eraser_password. A role without a file keeps what it has. It names each role that
-- has got one, and fails if none has: whoever runs psql must be able to read the files. Run it as a superuser, after roles.sql:
--
--     psql --set ON_ERROR_STOP=1 --set secrets=/run/secrets --dbname metrics --file passwords.sql
--
-- Passwords pass through psql's variables, so they are in no command line. The server is told neither to log these statements nor to show
-- them in pg_stat_activity. It still gets each password in plain text, and makes the SCRAM verifier: psql can't make one from a file. So
-- come by the server's own socket or with sslmode=verify-full. An extension that looks at statements, such as pgaudit, sees them.
\if :{?role}
-- One role's turn: psql has no loop, so the other part of this file includes the file for each.
\set given `test -n "$(cat :secrets/:file 2>/dev/null)" && echo true || echo false`
\if :given
\set password `cat :secrets/:file`
alter role :role password :'password';
\echo :role has its password
\set found true
\endif
\else
\if :{?secrets}
\else
\set secrets /run/secrets
\endif
\set found false
set track_activities = off;
set log_statement = 'none';
set log_min_duration_statement = -1;
set log_min_duration_sample = -1;
set log_transaction_sample_rate = 0;
set log_min_error_statement = 'panic';
set pg_stat_statements.track = 'none';
set password_encryption = 'scram-sha-256';
\set role business_metrics_owner \set file owner_password \ir passwords.sql
\set role business_metrics_consumer \set file consumer_password \ir passwords.sql
\set role business_metrics_api \set file api_password \ir passwords.sql
\set role business_metrics_eraser \set file eraser_password \ir passwords.sql
\if :found
\else
-- psql ends with an exit code other than 0 only after an error of the server's.
\set ON_ERROR_STOP 1
select set_config('passwords.folder', :'secrets', false) \g /dev/null
do $$ begin
    raise 'no password was set: % has none of the files, or they may not be read', current_setting('passwords.folder');
end $$;
\endif
\endif
