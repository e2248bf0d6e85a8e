-- Money in the quote asset, quantities in the base asset, all exact. Times are those of the clock that decided.

CREATE TABLE account (
    id           smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    opening_cash numeric NOT NULL CHECK (opening_cash > 0),
    cash         numeric NOT NULL,
    realised_pnl numeric NOT NULL DEFAULT 0
);

CREATE TABLE signals (
    signal_id  text PRIMARY KEY,
    symbol     text NOT NULL,
    side       text NOT NULL CHECK (side IN ('BUY', 'SELL')),
    strategy   text NOT NULL,
    strength   numeric NOT NULL CHECK (strength BETWEEN 0 AND 1),
    price      numeric NOT NULL CHECK (price > 0),
    volatility numeric NOT NULL CHECK (volatility >= 0),
    trade_id   bigint NOT NULL,
    ts_event   timestamptz NOT NULL,
    ts_init    timestamptz NOT NULL
);

-- One per signal: the verdict and everything it was based on, so that it can be checked again.
CREATE TABLE decisions (
    decision_seq     bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    signal_id        text PRIMARY KEY REFERENCES signals,
    verdict          text NOT NULL CHECK (verdict IN ('approved', 'rejected')),
    layer            smallint CHECK (layer BETWEEN 1 AND 6),
    reason           text,
    quantity         numeric CHECK (quantity > 0),
    decided_at       timestamptz NOT NULL,
    fills_seen       bigint NOT NULL,
    cash             numeric NOT NULL,
    equity           numeric NOT NULL,
    reference_equity numeric NOT NULL,
    exposure_before  numeric NOT NULL,
    exposure_after   numeric NOT NULL,
    position_after   numeric NOT NULL,
    breaker_active   boolean NOT NULL,
    marks            jsonb NOT NULL,
    limits           jsonb NOT NULL,
    CHECK ((verdict = 'approved') = (quantity IS NOT NULL)),
    CHECK ((verdict = 'rejected') = (reason IS NOT NULL))
);
CREATE INDEX ON decisions (decided_at) WHERE verdict = 'approved';

CREATE TABLE orders (
    order_seq       bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    order_id        text PRIMARY KEY,
    cause           text NOT NULL CHECK (cause IN ('signal', 'stop_loss')),
    signal_id       text UNIQUE REFERENCES decisions,
    position_id     text,
    trade_id        bigint NOT NULL,
    symbol          text NOT NULL,
    side            text NOT NULL CHECK (side IN ('BUY', 'SELL')),
    quantity        numeric NOT NULL CHECK (quantity > 0),
    reference_price numeric NOT NULL CHECK (reference_price > 0),
    volatility      numeric NOT NULL CHECK (volatility >= 0),
    placed_at       timestamptz NOT NULL,
    state           text NOT NULL DEFAULT 'placed' CHECK (state IN ('placed', 'filled', 'refused')),
    finished_at     timestamptz,
    refusal         text,
    CHECK ((cause = 'signal') = (signal_id IS NOT NULL)),
    CHECK (cause = 'signal' OR (position_id IS NOT NULL AND side = 'SELL')),
    CHECK ((state = 'placed') = (finished_at IS NULL)),
    CHECK ((state = 'refused') = (refusal IS NOT NULL))
);
CREATE INDEX ON orders (placed_at) WHERE state = 'placed';

CREATE TABLE fills (
    fill_seq     bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    fill_id      text PRIMARY KEY,
    order_id     text NOT NULL UNIQUE REFERENCES orders,
    position_id  text NOT NULL,
    symbol       text NOT NULL,
    side         text NOT NULL CHECK (side IN ('BUY', 'SELL')),
    quantity     numeric NOT NULL CHECK (quantity > 0),
    price        numeric NOT NULL CHECK (price > 0),
    notional     numeric NOT NULL CHECK (notional >= 0),
    fee          numeric NOT NULL CHECK (fee >= 0),
    slippage_bps numeric NOT NULL,
    realised_pnl numeric,
    filled_at    timestamptz NOT NULL,
    CHECK ((side = 'SELL') = (realised_pnl IS NOT NULL))
);

-- cost: what the quantity held has cost, fees included.
CREATE TABLE positions (
    symbol      text PRIMARY KEY,
    position_id text NOT NULL,
    quantity    numeric NOT NULL CHECK (quantity >= 0),
    cost        numeric NOT NULL CHECK (cost >= 0),
    opened_at   timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    CHECK (quantity > 0 OR cost = 0)
);

-- The newest price of each symbol that risk has applied; ts_event in nanoseconds.
CREATE TABLE marks (
    symbol   text PRIMARY KEY,
    price    numeric NOT NULL CHECK (price > 0),
    trade_id bigint NOT NULL,
    ts_event bigint NOT NULL
);

-- What drawdown is measured against: the day's opening equity, or equity at the last reset.
CREATE TABLE equity (
    equity_seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    day        date NOT NULL,
    cause      text NOT NULL CHECK (cause IN ('day_open', 'breaker_reset')),
    equity     numeric NOT NULL,
    noted_at   timestamptz NOT NULL
);
CREATE UNIQUE INDEX ON equity (day) WHERE cause = 'day_open';

CREATE TABLE breaker (
    breaker_seq      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    active           boolean NOT NULL,
    cause            text NOT NULL CHECK (cause IN ('mark', 'decision', 'operator', 'day_turn', 'test')),
    equity           numeric NOT NULL,
    reference_equity numeric NOT NULL,
    changed_at       timestamptz NOT NULL
);

CREATE TABLE test_adjustments (
    adjustment_seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    amount         numeric NOT NULL,
    reason         text NOT NULL,
    noted_at       timestamptz NOT NULL
);
