"""Running things as users do, and watching what they do: programs, browsers, clusters, crashes."""
