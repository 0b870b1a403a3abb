"""Cost per request without the cost of connecting: the difference between a long run and a short one."""

# Both are multiples of connections × pipeline (64 × 16), so that every connection has the same share of each.
SHORT_REQUESTS = 1024
LONG_REQUESTS = 9 * 1024


def per_request(count):
    """`count(requests)` sends as many and gives {what: how often}; the result is {what: how often a request}.

    The first run only warms the server up: what it allocates once or opens once is in no figure.
    """
    count(SHORT_REQUESTS)
    short = count(SHORT_REQUESTS)
    long = count(LONG_REQUESTS)
    return {what: (long.get(what, 0) - short.get(what, 0)) / (LONG_REQUESTS - SHORT_REQUESTS)
            for what in sorted({*short, *long})}
