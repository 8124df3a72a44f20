import type { CategoryId } from '@campus/contracts/ids'

export interface Category {
  readonly id: CategoryId
  readonly parentId: CategoryId | null
  readonly name: string
  readonly slug: string
  readonly position: number
}

/** A category with what is below it. */
export interface CategoryNode {
  readonly id: CategoryId
  readonly name: string
  readonly slug: string
  readonly children: CategoryNode[]
}

/** Arranges categories as a tree, siblings by position and name. */
export function treeOf(categories: readonly Category[]): CategoryNode[] {
  const sorted = categories.toSorted(
    (a, b) => a.position - b.position || a.name.localeCompare(b.name),
  )
  const nodes = new Map<CategoryId, CategoryNode>()
  for (const { id, name, slug } of sorted) nodes.set(id, { id, name, slug, children: [] })
  const roots: CategoryNode[] = []
  for (const { id, parentId } of sorted) {
    const node = nodes.get(id)
    if (node === undefined) continue
    const parent = parentId === null ? undefined : nodes.get(parentId)
    const siblings = parent === undefined ? roots : parent.children
    siblings.push(node)
  }
  return roots
}

/** Whether putting `id` below `parentId` would make a circle. */
export function makesCycle(
  categories: readonly Category[],
  id: CategoryId,
  parentId: CategoryId | null,
): boolean {
  const parents = new Map(categories.map(one => [one.id, one.parentId]))
  for (let at: CategoryId | null | undefined = parentId; at; at = parents.get(at)) {
    if (at === id) return true
  }
  return false
}
