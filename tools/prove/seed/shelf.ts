/** A category with those below it. */
export interface CategoryPlan {
  readonly name: string
  readonly slug: string
  readonly children?: readonly CategoryPlan[]
}

/** Something that can be bought in one form. */
export interface VariantPlan {
  readonly label: string
  /** Minor units, EUR. */
  readonly priceMinor: number
  readonly units: number
}

/** A product of the demo shelf. */
export interface ProductPlan {
  readonly title: string
  readonly slug: string
  readonly description: string
  /** Slug of its category. */
  readonly category: string
  readonly variants: readonly VariantPlan[]
  /** What becomes of it; by default it is published. */
  readonly end?: 'draft' | 'archived'
}

/** The tree, three levels deep. */
export const categories: readonly CategoryPlan[] = [
  {
    name: 'Campus shop',
    slug: 'campus-shop',
    children: [
      {
        name: 'Stationery',
        slug: 'stationery',
        children: [
          { name: 'Notebooks', slug: 'notebooks' },
          { name: 'Writing', slug: 'writing' },
          { name: 'Desk', slug: 'desk' },
        ],
      },
      {
        name: 'Clothing',
        slug: 'clothing',
        children: [
          { name: 'Sweaters', slug: 'sweaters' },
          { name: 'Shirts', slug: 'shirts' },
          { name: 'Accessories', slug: 'accessories' },
        ],
      },
      {
        name: 'Kitchen',
        slug: 'kitchen',
        children: [
          { name: 'Mugs', slug: 'mugs' },
          { name: 'Bottles', slug: 'bottles' },
        ],
      },
      {
        name: 'Books',
        slug: 'books',
        children: [
          { name: 'Computing', slug: 'computing' },
          { name: 'Mathematics', slug: 'mathematics' },
        ],
      },
    ],
  },
]

type Row = readonly [title: string, slug: string, description: string, variants: Variants]
/** Labels, parted by spaces, of variants that have one price and each so many units. */
type Variants = readonly [labels: string, priceMinor: number, units: number]

function rows(category: string, list: readonly Row[]): ProductPlan[] {
  return list.map(([title, slug, description, [labels, priceMinor, units]]) => ({
    title,
    slug,
    description,
    category,
    variants: labels.split(' ').map(label => ({ label, priceMinor, units })),
  }))
}

const notForSale: readonly ProductPlan[] = [
  {
    title: 'Summer hat',
    slug: 'summer-hat',
    description: 'For next year: not for sale yet.',
    category: 'accessories',
    variants: [{ label: 'straw', priceMinor: 1_990, units: 60 }],
    end: 'draft',
  },
  {
    title: 'Jubilee mug',
    slug: 'jubilee-mug',
    description: 'Was made for the jubilee, and is no longer for sale.',
    category: 'mugs',
    variants: [{ label: 'gold', priceMinor: 1_590, units: 12 }],
    end: 'archived',
  },
]

/** About forty products: one is sold out (the desk lamp), one is a draft, one is archived. */
export const products: readonly ProductPlan[] = [
  ...rows('mugs', [
    [
      'Campus mug',
      'campus-mug',
      'Holds 300 ml, and survives the dishwasher.',
      ['blue', 1_290, 500],
    ],
    ['Enamel mug', 'enamel-mug', 'Light, for the lawn.', ['white green', 1_490, 140]],
    ['Espresso cup', 'espresso-cup', 'Before the first lecture.', ['black', 890, 200]],
    ['Tea glass', 'tea-glass', 'Double wall, 250 ml.', ['clear', 1_190, 90]],
  ]),
  ...rows('bottles', [
    ['Steel bottle', 'steel-bottle', 'Keeps tea hot for a day.', ['silver black', 2_490, 160]],
    [
      'Water bottle',
      'water-bottle',
      '750 ml, without plasticisers.',
      ['clear blue red', 1_290, 220],
    ],
    ['Lunch box', 'lunch-box', 'Two parts, one lid.', ['steel', 1_890, 75]],
    ['Travel press', 'travel-press', 'Coffee where there is hot water.', ['black', 2_990, 40]],
  ]),
  ...rows('notebooks', [
    ['Notebook A5', 'notebook-a5', '192 pages, thread bound.', ['dotted', 690, 1_000]],
    ['Notebook A4', 'notebook-a4', '160 pages, thread bound.', ['lined squared', 890, 600]],
    ['Pocket notebook', 'pocket-notebook', 'Fits a shirt.', ['plain', 490, 400]],
    [
      'Laboratory book',
      'laboratory-book',
      'Numbered pages, to be signed.',
      ['squared', 1_490, 150],
    ],
    ['Term planner', 'term-planner', 'From October to September.', ['A5', 1_190, 180]],
    ['Wall calendar', 'wall-calendar', 'A year on one sheet.', ['A1', 990, 120]],
  ]),
  ...rows('writing', [
    ['Fountain pen', 'fountain-pen', 'Fine steel nib.', ['fine', 2_350, 80]],
    ['Ballpoint pen', 'ballpoint-pen', 'Refillable.', ['blue black', 350, 900]],
    ['Pencil set', 'pencil-set', 'From 2H to 4B.', ['six', 790, 260]],
    ['Highlighters', 'highlighters', 'Four colours.', ['four', 590, 310]],
    ['Chalk', 'chalk', 'For those who still have a board.', ['white', 290, 500]],
  ]),
  ...rows('desk', [
    ['Desk lamp', 'desk-lamp', 'Warm and cold light.', ['white', 3_900, 0]],
    ['Desk mat', 'desk-mat', 'Felt, 80 by 30 cm.', ['grey', 2_190, 70]],
    ['Book stand', 'book-stand', 'Holds 2 kg open.', ['beech', 2_690, 55]],
    ['Paper clips', 'paper-clips', 'A hundred.', ['steel', 190, 800]],
  ]),
  ...rows('sweaters', [
    ['Hooded sweater', 'hooded-sweater', 'Organic cotton.', ['M', 4_490, 120]],
    ['Zip sweater', 'zip-sweater', 'Organic cotton, two pockets.', ['S M L', 4_990, 60]],
    ['Wool sweater', 'wool-sweater', 'For libraries in winter.', ['M L', 6_990, 30]],
  ]),
  ...rows('shirts', [
    ['T-shirt', 't-shirt', 'The crest, small.', ['S M L XL', 1_990, 150]],
    ['Polo shirt', 'polo-shirt', 'The crest, smaller.', ['S M L', 2_790, 90]],
    ['Rowing shirt', 'rowing-shirt', 'Dries fast.', ['M L', 2_990, 45]],
  ]),
  ...rows('accessories', [
    ['Canvas bag', 'canvas-bag', 'Carries a week of books.', ['natural', 1_590, 300]],
    ['Backpack', 'backpack', 'A sleeve for a laptop of 16 inches.', ['navy', 5_990, 40]],
    ['Scarf', 'scarf', 'In the colours of the campus.', ['wool', 2_990, 85]],
    ['Umbrella', 'umbrella', 'Opens against the wind.', ['black', 1_990, 110]],
  ]),
  ...rows('computing', [
    ['Logs and streams', 'logs-and-streams', 'Why an append is enough.', ['paper', 3_490, 64]],
    ['Types at work', 'types-at-work', 'What a compiler can promise.', ['paper', 2_990, 72]],
    ['Queues, patiently', 'queues-patiently', 'On waiting.', ['paper', 2_490, 48]],
  ]),
  ...rows('mathematics', [
    ['Counting well', 'counting-well', 'Combinatorics for everybody.', ['paper', 2_790, 66]],
    ['Proofs in pictures', 'proofs-in-pictures', 'Look, then write.', ['paper', 3_190, 38]],
  ]),
  ...notForSale,
]
