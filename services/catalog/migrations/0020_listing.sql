-- Free facts of a product that people filter by, e.g. {"colour": "blue"}.
alter table product add column attributes jsonb not null default '{}'
  check (jsonb_typeof(attributes) = 'object');
-- When a price of a published product begins or ends next: its listing is made again then.
alter table product add column prices_change_at timestamptz;
create index product_prices_change on product (prices_change_at) where prices_change_at is not null;
-- Units sold, each halved in weight for each week that has passed (products/popularity.ts).
alter table product add column popularity double precision not null default 0;

-- What the shop shows: a row for each published product that has a price now, written in the transaction
-- of whatever changes it. Lists, search and facets read this table alone.
create table listing (
  product_id uuid primary key references product,
  slug text not null,
  title text not null,
  kind text not null,
  category_id uuid,
  attributes jsonb not null,
  -- The lowest price of the moment.
  amount bigint not null,
  currency text not null,
  in_stock boolean not null,
  popularity double precision not null,
  search tsvector not null
);
-- One index for each sort, with the id as the last word, so that each page begins where the one before ended.
create index listing_price on listing (amount, product_id);
create index listing_popular on listing (popularity, product_id);
create index listing_category on listing (category_id, product_id);
create index listing_search on listing using gin (search);
create index listing_attributes on listing using gin (attributes jsonb_path_ops);

insert into listing
  select p.id, p.slug, p.title, p.kind, p.category_id, '{}', lowest.amount, lowest.currency,
    exists (select from variant v left join stock s on s.variant_id = v.id
      where v.product_id = p.id and (not v.tracked or s.on_hand > s.reserved)),
    0, to_tsvector('simple', p.title || ' ' || p.description)
  from product p
  join lateral (
    select x.amount, x.currency from price x join variant v on v.id = x.variant_id
    where v.product_id = p.id and x.valid_from <= now() and (x.valid_to is null or x.valid_to > now())
    order by x.amount limit 1) lowest on true
  where p.state = 'published';
-- Each is made again by the service soon: words without accents, and the time of the next price, are its business.
update product set prices_change_at = now() where state = 'published';

-- The lists of before read product.
drop index product_shelf;
drop index product_category;
drop index product_title;

-- A variant that has fewer units left than this should be ordered.
alter table stock add column low_at int check (low_at > 0);

-- What has been sold and is not yet counted as popular.
alter table reservation add column is_ranked boolean not null default false;
update reservation set is_ranked = true where state <> 'held';
create index reservation_unranked on reservation (updated_at) where state = 'committed' and not is_ranked;
