-- What write-behind (CA-009) stores. `as_of` is the shard's clock when the row was read from the store: a row is replaced by
-- a later reading only, so that storing one twice, or late, changes nothing.
create table count_record (
  id       text    collate "C" not null,
  created  bigint  not null, -- revision at creation: tells two lives of one id apart
  shard    int     not null,
  value    bigint  not null,
  version  bigint  not null,
  as_of    bigint  not null,
  revision bigint  not null,
  status   text    not null check (status in ('a', 'p', 'x')),
  min      bigint,
  max      bigint,
  removed  boolean not null,
  primary key (id, created)
);
-- Recovery asks for what lies above a shard's clock (CA-010).
create index count_record_shard_as_of on count_record (shard, as_of, id, created);

-- Changes per bucket: hours since 1970 in UTC, local civil days since 1970-01-01.
create table history_hour (
  id      text   collate "C" not null,
  created bigint not null,
  bucket  int    not null,
  delta   bigint not null,
  as_of   bigint not null,
  primary key (id, created, bucket)
);
create index history_hour_bucket on history_hour using brin (bucket);

create table history_day (
  id      text   collate "C" not null,
  created bigint not null,
  bucket  int    not null,
  delta   bigint not null,
  as_of   bigint not null,
  primary key (id, created, bucket)
);
create index history_day_bucket on history_day using brin (bucket);

-- What the deployment was set up with: an empty value store must not begin with something else.
create table deployment (
  shards int  not null,
  zone   text not null,
  the_one bool primary key default true check (the_one)
);
