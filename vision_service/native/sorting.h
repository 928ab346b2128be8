// Sorting by whole numbers, digit by digit: in a time that grows with the items, and stable.

#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace vision_service {

// Sorts items by the number that `key_of` returns of each, std::uint64_t; equal ones stay in their order.
template <class Item, class KeyOf>
void sort_by_key(std::vector<Item>& items, const KeyOf& key_of) {
  constexpr int kBits = 11;  // of a digit: its counts stay in the cache
  std::uint64_t any = 0;     // the bits in which keys are not 0
  for (const Item& item : items) any |= key_of(item);
  std::vector<Item> other(items.size());
  for (int shift = 0; shift < 64 && any >> shift; shift += kBits) {
    const auto digit = [&](const Item& item) { return (key_of(item) >> shift) & ((1u << kBits) - 1); };
    if (((any >> shift) & ((1u << kBits) - 1)) == 0) continue;
    std::array<std::uint32_t, 1u << kBits> places{};
    for (const Item& item : items) ++places[digit(item)];
    std::uint32_t place = 0;
    for (std::uint32_t& count : places) place += std::exchange(count, place);
    for (const Item& item : items) other[places[digit(item)]++] = item;
    items.swap(other);
  }
}

}  // namespace vision_service
