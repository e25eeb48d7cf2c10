-- Searches skip what they cannot find: live counts in blocks of each order, each with a signature of what its counts have.
-- docs/adr/0020

-- A block is the counts from its low key up to, not including, its high one; the blocks of an order have no gap and no overlap.
-- Keys are what the order goes by: id alone (name ''), name_key, or updated_at; and the id.
create table count_block (
  sort text collate "C" not null check (sort in ('id', 'name', 'updatedAt')),
  low_at timestamptz not null default '-infinity',
  low_name text collate "C" not null default '',
  low_id text collate "C" not null default '',
  high_at timestamptz not null default 'infinity',
  -- After every name and id that there can be.
  high_name text collate "C" not null default repeat(chr(1114111), 300),
  high_id text collate "C" not null default repeat(chr(1114111), 300),
  -- A Bloom filter of 2 KiB, made by src/count-blocks.ts; null: anything may be in this block.
  signature bytea,
  built_at timestamptz not null default clock_timestamp(),
  primary key (sort, low_at, low_name, low_id)
);
-- All of it in its row, where a look at one bit costs no second read.
alter table count_block set (toast_tuple_target = 8160);
alter table count_block alter column signature set storage plain;
create index count_block_unsigned on count_block (sort, low_at, low_name, low_id) where signature is null;
create index count_block_built on count_block (built_at);
insert into count_block (sort) values ('id'), ('name'), ('updatedAt');

-- Counts that were written since signatures were made, which know nothing of them yet. Nobody waits for another to write one.
create table count_unsigned (
  seq bigint generated always as identity primary key,
  id text collate "C" not null
);

create function count_unsigned() returns trigger language plpgsql as $$
begin
  insert into count_unsigned (id) select id from added where deleted_at is null;
  return null;
end $$;
create trigger count_unsigned_inserted after insert on count_info referencing new table as added
  for each statement execute function count_unsigned();
create trigger count_unsigned_updated after update on count_info referencing new table as added
  for each statement execute function count_unsigned();

do $$
begin
  if exists (select from pg_roles where rolname = 'info_service') then
    grant select, insert, update, delete on count_block to info_service;
    grant select, insert, delete on count_unsigned to info_service;
  end if;
end $$;
