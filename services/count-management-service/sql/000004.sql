-- Search at a million counts: a page in any order is read from one index, which also holds what its filters are judged by, so
-- that no row is fetched but those shown. Tags are counted as they come and go.

drop index count_info_live, count_info_name, count_info_updated;
-- Stands for the tags where an index entry has to stay small; equal hashes of different tags are not to be expected.
create function tag_keys(tags text[]) returns bigint[] immutable strict parallel safe language sql
  return coalesce((select array_agg(hashtextextended(tag, 0)) from unnest(tags) as tag), '{}');

alter table count_info
  drop column search,
  -- The id and the first two characters of each word of the name, each after a line feed; the whole name after a tab.
  add column search text collate "C" not null generated always as (
    chr(10) || id || chr(9) || lower(name collate "default") || regexp_replace(lower(name collate "default"),
      '[^[:alnum:]]*([[:alnum:]]{1,2})[[:alnum:]]*[^[:alnum:]]*', chr(10) || '\1', 'g')) stored,
  add column name_key text collate "C" not null generated always as (lower(name collate "default")) stored,
  add column tag_keys bigint[] not null generated always as (tag_keys(tags)) stored,
  -- The planner must tell a term that one of a thousand has from one that nobody has.
  alter column search set statistics 1000,
  alter column tag_keys set statistics 1000;

create unique index count_info_live on count_info (id) include (search, tag_keys, status) where deleted_at is null;
create index count_info_name on count_info (name_key, id) include (search, tag_keys, status) where deleted_at is null;
create index count_info_updated on count_info (updated_at, id) include (search, tag_keys, status) where deleted_at is null;
create index count_info_search on count_info using gin (search gin_trgm_ops) where deleted_at is null;
create index count_info_tag_keys on count_info using gin (tag_keys) where deleted_at is null;

-- How many live counts bear a tag: the sum of its rows, which housekeeping adds up. Nobody waits for another to write one.
create table count_tag (
  tag text collate "C" not null,
  counts bigint not null
);
create index count_tag_tag on count_tag (tag);
insert into count_tag select tag, count(*) from count_info, unnest(tags) as tag where deleted_at is null group by tag;

create function count_tags() returns trigger language plpgsql as $$
begin
  if tg_op <> 'DELETE' then
    insert into count_tag select tag, count(*) from added, unnest(tags) as tag where deleted_at is null group by tag;
  end if;
  if tg_op <> 'INSERT' then
    insert into count_tag select tag, - count(*) from removed, unnest(tags) as tag where deleted_at is null group by tag;
  end if;
  return null;
end $$;
create trigger count_tags_inserted after insert on count_info referencing new table as added
  for each statement execute function count_tags();
create trigger count_tags_updated after update on count_info referencing new table as added old table as removed
  for each statement execute function count_tags();
create trigger count_tags_deleted after delete on count_info referencing old table as removed
  for each statement execute function count_tags();

do $$
begin
  if exists (select from pg_roles where rolname = 'info_service') then
    grant select, insert, delete on count_tag to info_service;
  end if;
end $$;
