// Sorting by whole numbers, digit by digit: in a time that grows with the items, and stable.

#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace vision_service {

// Sorts items by the number that `key_of` returns of each, std::uint64_t; equal ones stay in their order.
template <class Item, class KeyOf>
void sort_by_key(std::vector<Item>& items, const KeyOf& key_of) {
  constexpr int kMostBits = 11;  // of a digit: its counts stay in the cache
  std::uint64_t any = 0;         // the bits in which keys are not 0
  for (const Item& item : items) any |= key_of(item);
  int bits = 0;
  while (bits < 64 && any >> bits) ++bits;
  if (bits == 0) return;
  const int digits = (bits + kMostBits - 1) / kMostBits, width = (bits + digits - 1) / digits;
  const std::uint64_t mask = (std::uint64_t{1} << width) - 1;
  const std::size_t values = std::size_t{1} << width;
  std::vector<std::uint32_t> places(values * static_cast<std::size_t>(digits));
  for (const Item& item : items) {
    std::uint64_t rest = key_of(item);
    for (int digit = 0; digit < digits; ++digit, rest >>= width)
      ++places[values * static_cast<std::size_t>(digit) + static_cast<std::size_t>(rest & mask)];
  }
  std::vector<Item> other(items.size());
  for (int digit = 0; digit < digits; ++digit) {
    std::uint32_t* const own = places.data() + values * static_cast<std::size_t>(digit);
    std::uint32_t place = 0;
    for (std::size_t value = 0; value < values; ++value) place += std::exchange(own[value], place);
    for (const Item& item : items) other[own[(key_of(item) >> (width * digit)) & mask]++] = item;
    items.swap(other);
  }
}

}  // namespace vision_service
