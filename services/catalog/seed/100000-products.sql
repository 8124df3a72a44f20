-- A large shop, the same each time: 64 categories, and 100,000 published products of them with a variant, a
-- price and a stock each. For measurements and for the test of query plans; not part of any migration.
insert into category (id, parent_id, name, slug, position)
  select ('0193a1c0-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid,
    case when n >= 4 then ('0193a1c0-0000-7000-9000-' || lpad(to_hex(n / 4), 12, '0'))::uuid end,
    'Category ' || n, 'category-' || n, n
  from generate_series(1, 64) n;

create temporary table made as
  select n,
    ('0193a1c0-' || lpad(to_hex(n / 65536), 4, '0') || '-7' || lpad(to_hex(n % 4096), 3, '0')
      || '-8000-' || lpad(to_hex(n), 12, '0'))::uuid as id,
    ('0193a1c1-' || lpad(to_hex(n / 65536), 4, '0') || '-7' || lpad(to_hex(n % 4096), 3, '0')
      || '-8000-' || lpad(to_hex(n), 12, '0'))::uuid as variant_id,
    ('0193a1c0-0000-7000-9000-' || lpad(to_hex(1 + (n * 37) % 64), 12, '0'))::uuid as category_id,
    initcap(colour || ' ' || material || ' ' || thing) || ' K' || n % 5000 as title,
    'A ' || thing || ' for ' || people || ', made of ' || material || '. Series ' || n % 997 as description,
    jsonb_build_object('colour', colour, 'material', material, 'size', (array['s', 'm', 'l', 'xl'])[(1 + n % 4)::int])
      as attributes,
    -- The higher the number, the rarer.
    power((n * 7919) % 100000, 2)::float8 / 1e6 as popularity,
    199 + (n * 104729) % 50000 as amount,
    case when n % 10 = 0 then 0 else 1 + n % 90 end as units
  from generate_series(1::bigint, 100000) n,
  lateral (select
    (array['blue', 'red', 'green', 'black', 'white', 'grey', 'brown', 'yellow', 'pink', 'violet',
      'orange', 'golden'])[(1 + n % 12)::int] as colour,
    (array['cotton', 'wood', 'steel', 'glass', 'paper', 'leather', 'clay', 'wool'])[(1 + n / 240 % 8)::int] as material,
    (array['mug', 'bag', 'shirt', 'pen', 'book', 'lamp', 'chair', 'bottle', 'notebook', 'cap', 'desk',
      'clock', 'frame', 'mat', 'poster', 'ruler', 'scarf', 'socks', 'tray', 'vase'])[(1 + n / 12 % 20)::int] as thing,
    (array['students', 'teachers', 'children', 'artists', 'runners', 'readers', 'cooks', 'travellers'])[(1 + n / 1920 % 8)::int] as people) words;

insert into product (id, slug, title, description, kind, category_id, state, attributes, popularity,
    created_at, updated_at)
  select id, 'many-' || n, title, description, 'physical', category_id, 'published', attributes,
    popularity, now(), now() from made;
insert into variant (id, product_id, sku, label, tracked)
  select variant_id, id, 'MANY-' || n, '', true from made;
insert into price (id, variant_id, amount, currency, valid_from)
  select gen_random_uuid(), variant_id, amount, 'EUR', now() - interval '1 day' from made;
insert into stock (variant_id, on_hand) select variant_id, units from made;
insert into listing (product_id, slug, title, kind, category_id, attributes, amount, currency, in_stock,
    popularity, search)
  select id, 'many-' || n, title, 'physical', category_id, attributes, amount, 'EUR', units > 0, popularity,
    setweight(to_tsvector('simple', lower(title)), 'A')
      || setweight(to_tsvector('simple', lower(description)), 'C')
  from made;
drop table made;
analyze category, product, variant, price, stock, listing;
