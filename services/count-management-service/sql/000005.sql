-- Analyses that are kept by name: what the page of count-analysis-service was showing. Nothing used the former table.

drop table saved_analysis;

create table saved_analysis (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  state jsonb not null,
  username text not null, -- who saved it first
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
-- A name is taken in any case; the list is in the order of names.
create unique index saved_analysis_name on saved_analysis ((lower(name) collate "C"));

do $$
begin
  if exists (select from pg_roles where rolname = 'info_service') then
    grant select, insert, update, delete on saved_analysis to info_service;
  end if;
end $$;
