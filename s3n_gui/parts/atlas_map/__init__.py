"""The Atlas tab: all places of an atlas on a map, where what looks alike lies together."""
