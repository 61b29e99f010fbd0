#!/bin/bash
# The user AIR connects as: it may read the database ops, and nothing else. The password goes in
# as a hexadecimal literal, so that no character of it can end the statement.
set -euo pipefail
hex=$(printf '%s' "$AIR_READER_PASSWORD" | od -An -v -tx1 | tr -d ' \n')
MYSQL_PWD=$MYSQL_ROOT_PASSWORD mysql -u root <<SQL
set @made = concat('create user air_reader@''%'' identified by ', quote(convert(x'$hex' using utf8mb4)));
prepare made from @made; execute made; deallocate prepare made;
grant select on ops.* to air_reader@'%';
SQL
