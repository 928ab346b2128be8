// Clusters of points by the cells of a grid: vision_service/pointcloud/clusters.py says what they are.
//
// Only occupied cells are kept, as runs along x. Runs of two rows that are within reach are united (disjoint sets with
// path halving, the lowest run is the root); which they are is found by going through both rows side by side, as the
// runs are sorted. So the time grows with the points, but for sorting the clusters by size.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "sorting.h"
#include "spans.h"

namespace vision_service {
namespace {

constexpr Index kBlock = 512;  // points whose cells are computed at once

struct Grid {
  double low[3];
  double last[3];  // places, from 0 on
  double size;     // of a cell
  std::uint64_t row, layer;  // by how much a cell's key grows
};

// Computes the keys of the cells of up to kBlock points; in double precision, as the place along an axis may need more
// digits than a coordinate has.
FOR_WIDE_PROCESSORS
void keys_of(const float* xyz, Index count, const Grid& grid, std::uint64_t* keys) {
  const double cells = 1 / grid.size;
  float along[3][kBlock];
  for (Index point = 0; point < count; ++point)
    for (int axis = 0; axis < 3; ++axis) along[axis][point] = xyz[3 * point + axis];
  std::int32_t places[3][kBlock];
  for (int axis = 0; axis < 3; ++axis) {
    const double low = grid.low[axis];
    const std::int32_t last = static_cast<std::int32_t>(grid.last[axis]);
    for (Index point = 0; point < count; ++point) {
      const std::int32_t place = static_cast<std::int32_t>((static_cast<double>(along[axis][point]) - low) * cells);
      places[axis][point] = std::min(std::max(place, 0), last);
    }
  }
  const std::uint64_t row = grid.row, layer = grid.layer;
  for (Index point = 0; point < count; ++point)
    keys[point] = static_cast<std::uint32_t>(places[0][point]) +
                  static_cast<std::uint32_t>(places[1][point]) * row +
                  static_cast<std::uint32_t>(places[2][point]) * layer;
}

// The places in the list of points at which the cell changes: neighbours in the list are often neighbours in space.
struct Changes {
  std::vector<std::uint64_t> keys;
  std::vector<std::uint32_t> firsts;  // the first point of each

  std::size_t count() const { return keys.size(); }
};

Changes changes_of(Span<const float> xyz, const Grid& grid) {
  Changes changes;
  std::uint64_t keys[kBlock], changed[kBlock];
  std::uint32_t firsts[kBlock];
  std::uint64_t previous = std::numeric_limits<std::uint64_t>::max();
  const Index points = xyz.length / 3;
  for (Index start = 0; start < points; start += kBlock) {
    const Index count = std::min(kBlock, points - start);
    keys_of(xyz.data + 3 * start, count, grid, keys);
    std::size_t found = 0;
    for (Index point = 0; point < count; ++point) {  // without a branch that would be guessed wrongly
      changed[found] = keys[point];
      firsts[found] = static_cast<std::uint32_t>(start + point);
      found += keys[point] != previous;
      previous = keys[point];
    }
    changes.keys.insert(changes.keys.end(), changed, changed + found);
    changes.firsts.insert(changes.firsts.end(), firsts, firsts + found);
  }
  return changes;
}

struct Runs {
  std::vector<Index> starts, ends;       // the keys of the first and the last cell
  std::vector<std::uint32_t> of_change;  // the run of each change
  Index cells = 0;
};

// Finds the runs of cells by sorting items, one a change, of which the key and the number are told.
template <class Item, class KeyOf, class NumberOf>
Runs runs_of(std::vector<Item> items, const KeyOf& key_of, const NumberOf& number_of) {
  sort_by_key(items, key_of);
  Runs runs;
  runs.of_change.resize(items.size());
  Index last = -2;
  for (const Item& item : items) {
    const Index key = static_cast<Index>(key_of(item));
    if (key != last) {
      ++runs.cells;
      if (key != last + 1) {
        if (!runs.starts.empty()) runs.ends.push_back(last);
        runs.starts.push_back(key);
      }
      last = key;
    }
    runs.of_change[number_of(item)] = static_cast<std::uint32_t>(runs.starts.size() - 1);
  }
  runs.ends.push_back(last);
  return runs;
}

int bits_of(std::uint64_t number) {
  int bits = 0;
  while (bits < 64 && number >> bits) ++bits;
  return bits;
}

Runs runs_of(const Changes& changes) {
  const std::size_t count = changes.count();
  const int shift = bits_of(count);
  const std::uint64_t most = *std::max_element(changes.keys.begin(), changes.keys.end());
  if (bits_of(most) + shift <= 64) {  // then key and number fit into one number
    std::vector<std::uint64_t> items(count);
    for (std::size_t change = 0; change < count; ++change) items[change] = (changes.keys[change] << shift) | change;
    const std::uint64_t mask = (std::uint64_t{1} << shift) - 1;
    return runs_of(
        std::move(items), [=](std::uint64_t item) { return item >> shift; },
        [=](std::uint64_t item) { return item & mask; });
  }
  struct Item {
    std::uint64_t key, number;
  };
  std::vector<Item> items(count);
  for (std::size_t change = 0; change < count; ++change) items[change] = {changes.keys[change], change};
  return runs_of(
      std::move(items), [](const Item& item) { return item.key; }, [](const Item& item) { return item.number; });
}

// Sets of runs.
class Sets {
 public:
  explicit Sets(std::size_t count) : parents_(count) { std::iota(parents_.begin(), parents_.end(), 0u); }

  std::uint32_t root(std::uint32_t run) {
    while (parents_[run] != run) run = parents_[run] = parents_[parents_[run]];
    return run;
  }

  void unite(std::uint32_t one, std::uint32_t other) {
    one = root(one), other = root(other);
    if (one != other) parents_[std::max(one, other)] = std::min(one, other);
  }

 private:
  std::vector<std::uint32_t> parents_;
};

// Unites the runs of each row with those of a later one, whose keys are `step` greater, up to so far across.
void unite_rows(const Runs& runs, Index step, Index across, Sets& sets) {
  const std::size_t count = runs.starts.size();
  std::size_t first = 0;
  for (std::size_t run = 0; run < count; ++run) {
    const Index low = runs.starts[run] + step - across, high = runs.ends[run] + step + across;
    while (first < count && runs.ends[first] < low) ++first;
    if (first == count) return;
    for (std::size_t other = first; other < count && runs.starts[other] <= high; ++other)
      sets.unite(static_cast<std::uint32_t>(run), static_cast<std::uint32_t>(other));
  }
}

// Unites the runs whose cells' centres are at most `reach` cells apart.
Sets united(const Runs& runs, const Grid& grid, double reach) {
  Sets sets(runs.starts.size());
  const int last = static_cast<int>(reach);
  for (std::size_t run = 0; run + 1 < runs.starts.size(); ++run)
    if (runs.starts[run + 1] - runs.ends[run] <= last)
      sets.unite(static_cast<std::uint32_t>(run), static_cast<std::uint32_t>(run + 1));
  for (int up = 0; up <= last; ++up)
    for (int along = up ? -last : 1; along <= last; ++along) {
      const double rest = reach * reach - up * up - along * along;
      if (rest < 0) continue;
      const Index step = up * static_cast<Index>(grid.layer) + along * static_cast<Index>(grid.row);
      unite_rows(runs, step, static_cast<Index>(std::sqrt(rest)), sets);
    }
  return sets;
}

// Returns the rank of each run's cluster by the number of points, of equal ones the one with the lowest cell first.
std::vector<std::uint32_t> ranks_of(const Runs& runs, Sets& sets, const std::vector<std::uint32_t>& firsts,
                                    Index points) {
  const std::size_t count = runs.starts.size();
  std::vector<std::uint32_t> cluster(count), roots;
  for (std::uint32_t run = 0; run < count; ++run) {
    const std::uint32_t root = sets.root(run);
    if (root == run) {
      cluster[run] = static_cast<std::uint32_t>(roots.size());
      roots.push_back(run);
    } else {
      cluster[run] = cluster[root];
    }
  }
  std::vector<Index> sizes(roots.size());
  for (std::size_t change = 0; change < firsts.size(); ++change) {
    const Index end = change + 1 < firsts.size() ? firsts[change + 1] : points;
    sizes[cluster[runs.of_change[change]]] += end - firsts[change];
  }
  std::vector<std::uint32_t> order(roots.size()), rank(roots.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t one, std::uint32_t other) { return sizes[one] > sizes[other]; });
  for (std::uint32_t place = 0; place < order.size(); ++place) rank[order[place]] = place;
  for (std::uint32_t& own : cluster) own = rank[own];
  return cluster;
}

Index cluster(Span<const float> xyz, Span<const double> bounds, double size, Index margin, double reach,
              Index max_cells, Span<std::int32_t> labels) {
  const Index points = labels.length;
  require(xyz.length == 3 * points && bounds.length == 6 && points < (Index{1} << 31));
  require(size > 0 && margin >= 1 && margin <= 64 && reach >= 1 && reach < margin + 1.0);
  Grid grid{};
  grid.size = size;
  for (int axis = 0; axis < 3; ++axis) {
    grid.low[axis] = bounds[axis];
    grid.last[axis] = std::floor((bounds[3 + axis] - bounds[axis]) / size);
    require(grid.last[axis] >= 0 && grid.last[axis] <= (1 << 20));
  }
  // Each row and layer ends with a margin of cells that stay empty, so that the two ends of the grid do not meet.
  grid.row = static_cast<std::uint64_t>(grid.last[0]) + 1 + margin;
  grid.layer = grid.row * (static_cast<std::uint64_t>(grid.last[1]) + 1 + margin);
  Changes changes = changes_of(xyz, grid);
  if (changes.count() == 0) return 0;
  const Runs runs = runs_of(changes);
  if (max_cells >= 0 && runs.cells > max_cells) return runs.cells;
  changes.keys = {};
  const std::vector<std::uint32_t>& firsts = changes.firsts;
  Sets sets = united(runs, grid, reach);
  const std::vector<std::uint32_t> rank = ranks_of(runs, sets, firsts, points);
  for (std::size_t change = 0; change < firsts.size(); ++change) {
    const Index end = change + 1 < firsts.size() ? firsts[change + 1] : points;
    std::fill(labels.data + firsts[change], labels.data + end,
              static_cast<std::int32_t>(rank[runs.of_change[change]]));
  }
  return runs.cells;
}

}  // namespace

// Writes the cluster of each of (N, 3) points, the largest first, and returns how many cells are occupied; if those are
// more than `max_cells` (-1 = any number), nothing is written.
//
// `bounds` are the least and the greatest coordinates, at most 2^20 cells apart; `size` is a cell's edge, `reach` up to
// how many cells neighbours are apart, less than `margin` + 1.
VISION_SERVICE_EXPORT Index cluster(const float* xyz, Index xyz_length, const double* bounds, Index bounds_length,
                                    double size, Index margin, double reach, Index max_cells, std::int32_t* labels,
                                    Index labels_length) {
  return guarded([&] {
    return cluster({xyz, xyz_length}, {bounds, bounds_length}, size, margin, reach, max_cells,
                   {labels, labels_length});
  });
}

}  // namespace vision_service
