"""Cost per request without the cost of connecting: the difference between a long run and a short one."""

# The long run to the short one.
TIMES = 9


def per_request(count, requests):
    """`count(requests)` sends as many and gives {what: how often}; the result is {what: how often a request}.

    `requests` is the length of the short run: a multiple of connections × pipeline, so that every connection has the same
    share. The first run only warms the server up: what it allocates once or opens once is in no figure.
    """
    count(requests)
    short = count(requests)
    long = count(TIMES * requests)
    return {what: (long.get(what, 0) - short.get(what, 0)) / ((TIMES - 1) * requests)
            for what in sorted({*short, *long})}
