SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.account (
    id smallint DEFAULT 1 NOT NULL,
    opening_cash numeric NOT NULL,
    cash numeric NOT NULL,
    realised_pnl numeric DEFAULT 0 NOT NULL,
    CONSTRAINT account_id_check CHECK ((id = 1)),
    CONSTRAINT account_opening_cash_check CHECK ((opening_cash > (0)::numeric))
);
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.breaker (
    breaker_seq bigint NOT NULL,
    active boolean NOT NULL,
    cause text NOT NULL,
    equity numeric NOT NULL,
    reference_equity numeric NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT breaker_cause_check CHECK ((cause = ANY (ARRAY['mark'::text, 'decision'::text, 'operator'::text, 'day_turn'::text, 'test'::text])))
);
ALTER TABLE public.breaker ALTER COLUMN breaker_seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.breaker_breaker_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.decisions (
    decision_seq bigint NOT NULL,
    signal_id text NOT NULL,
    verdict text NOT NULL,
    layer smallint,
    reason text,
    quantity numeric,
    decided_at timestamp with time zone NOT NULL,
    fills_seen bigint NOT NULL,
    cash numeric NOT NULL,
    equity numeric NOT NULL,
    reference_equity numeric NOT NULL,
    exposure_before numeric NOT NULL,
    exposure_after numeric NOT NULL,
    position_after numeric NOT NULL,
    breaker_active boolean NOT NULL,
    marks jsonb NOT NULL,
    limits jsonb NOT NULL,
    CONSTRAINT decisions_check CHECK (((verdict = 'approved'::text) = (quantity IS NOT NULL))),
    CONSTRAINT decisions_check1 CHECK (((verdict = 'rejected'::text) = (reason IS NOT NULL))),
    CONSTRAINT decisions_layer_check CHECK (((layer >= 1) AND (layer <= 6))),
    CONSTRAINT decisions_quantity_check CHECK ((quantity > (0)::numeric)),
    CONSTRAINT decisions_verdict_check CHECK ((verdict = ANY (ARRAY['approved'::text, 'rejected'::text])))
);
ALTER TABLE public.decisions ALTER COLUMN decision_seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.decisions_decision_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.equity (
    equity_seq bigint NOT NULL,
    day date NOT NULL,
    cause text NOT NULL,
    equity numeric NOT NULL,
    noted_at timestamp with time zone NOT NULL,
    CONSTRAINT equity_cause_check CHECK ((cause = ANY (ARRAY['day_open'::text, 'breaker_reset'::text])))
);
ALTER TABLE public.equity ALTER COLUMN equity_seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.equity_equity_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.fills (
    fill_seq bigint NOT NULL,
    fill_id text NOT NULL,
    order_id text NOT NULL,
    position_id text NOT NULL,
    symbol text NOT NULL,
    side text NOT NULL,
    quantity numeric NOT NULL,
    price numeric NOT NULL,
    notional numeric NOT NULL,
    fee numeric NOT NULL,
    slippage_bps numeric NOT NULL,
    realised_pnl numeric,
    filled_at timestamp with time zone NOT NULL,
    CONSTRAINT fills_check CHECK (((side = 'SELL'::text) = (realised_pnl IS NOT NULL))),
    CONSTRAINT fills_fee_check CHECK ((fee >= (0)::numeric)),
    CONSTRAINT fills_notional_check CHECK ((notional >= (0)::numeric)),
    CONSTRAINT fills_price_check CHECK ((price > (0)::numeric)),
    CONSTRAINT fills_quantity_check CHECK ((quantity > (0)::numeric)),
    CONSTRAINT fills_side_check CHECK ((side = ANY (ARRAY['BUY'::text, 'SELL'::text])))
);
ALTER TABLE public.fills ALTER COLUMN fill_seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.fills_fill_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.marks (
    symbol text NOT NULL,
    price numeric NOT NULL,
    trade_id bigint NOT NULL,
    ts_event bigint NOT NULL,
    CONSTRAINT marks_price_check CHECK ((price > (0)::numeric))
);
CREATE TABLE public.orders (
    order_seq bigint NOT NULL,
    order_id text NOT NULL,
    cause text NOT NULL,
    signal_id text,
    position_id text,
    trade_id bigint NOT NULL,
    symbol text NOT NULL,
    side text NOT NULL,
    quantity numeric NOT NULL,
    reference_price numeric NOT NULL,
    volatility numeric NOT NULL,
    placed_at timestamp with time zone NOT NULL,
    state text DEFAULT 'placed'::text NOT NULL,
    finished_at timestamp with time zone,
    refusal text,
    CONSTRAINT orders_cause_check CHECK ((cause = ANY (ARRAY['signal'::text, 'stop_loss'::text]))),
    CONSTRAINT orders_check CHECK (((cause = 'signal'::text) = (signal_id IS NOT NULL))),
    CONSTRAINT orders_check1 CHECK (((cause = 'signal'::text) OR ((position_id IS NOT NULL) AND (side = 'SELL'::text)))),
    CONSTRAINT orders_check2 CHECK (((state = 'placed'::text) = (finished_at IS NULL))),
    CONSTRAINT orders_check3 CHECK (((state = 'refused'::text) = (refusal IS NOT NULL))),
    CONSTRAINT orders_quantity_check CHECK ((quantity > (0)::numeric)),
    CONSTRAINT orders_reference_price_check CHECK ((reference_price > (0)::numeric)),
    CONSTRAINT orders_side_check CHECK ((side = ANY (ARRAY['BUY'::text, 'SELL'::text]))),
    CONSTRAINT orders_state_check CHECK ((state = ANY (ARRAY['placed'::text, 'filled'::text, 'refused'::text]))),
    CONSTRAINT orders_volatility_check CHECK ((volatility >= (0)::numeric))
);
ALTER TABLE public.orders ALTER COLUMN order_seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.orders_order_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.positions (
    symbol text NOT NULL,
    position_id text NOT NULL,
    quantity numeric NOT NULL,
    cost numeric NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT positions_check CHECK (((quantity > (0)::numeric) OR (cost = (0)::numeric))),
    CONSTRAINT positions_cost_check CHECK ((cost >= (0)::numeric)),
    CONSTRAINT positions_quantity_check CHECK ((quantity >= (0)::numeric))
);
CREATE TABLE public.signals (
    signal_id text NOT NULL,
    symbol text NOT NULL,
    side text NOT NULL,
    strategy text NOT NULL,
    strength numeric NOT NULL,
    price numeric NOT NULL,
    volatility numeric NOT NULL,
    trade_id bigint NOT NULL,
    ts_event timestamp with time zone NOT NULL,
    ts_init timestamp with time zone NOT NULL,
    CONSTRAINT signals_price_check CHECK ((price > (0)::numeric)),
    CONSTRAINT signals_side_check CHECK ((side = ANY (ARRAY['BUY'::text, 'SELL'::text]))),
    CONSTRAINT signals_strength_check CHECK (((strength >= (0)::numeric) AND (strength <= (1)::numeric))),
    CONSTRAINT signals_volatility_check CHECK ((volatility >= (0)::numeric))
);
CREATE TABLE public.test_adjustments (
    adjustment_seq bigint NOT NULL,
    amount numeric NOT NULL,
    reason text NOT NULL,
    noted_at timestamp with time zone NOT NULL
);
ALTER TABLE public.test_adjustments ALTER COLUMN adjustment_seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.test_adjustments_adjustment_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
INSERT INTO public.account VALUES
	(1, 100000, 77285.17480630, -241.93796001);
INSERT INTO public.alembic_version VALUES
	('0001');
INSERT INTO public.breaker OVERRIDING SYSTEM VALUE VALUES
	(1, true, 'decision', 93755.87744507750, 100000, '2026-11-20 12:00:01.9+00'),
	(2, false, 'operator', 94000, 94000, '2026-11-20 12:00:02.1+00');
INSERT INTO public.decisions OVERRIDING SYSTEM VALUE VALUES
	(1, 'BTCUSDT:momentum_v1:8', 'approved', NULL, NULL, 0.13076822, '2026-11-20 12:00:00.8+00', 0, 100000, 100000, 100000, 0, 8499.999684110, 8499.999684110, false, '{"BTCUSDT": "65000.5"}', '{"max_exposure": "0.50", "max_position": "0.10", "max_daily_drawdown": "0.05"}'),
	(2, 'ETHUSDT:momentum_v1:9', 'approved', NULL, NULL, 2.83304763, '2026-11-20 12:00:01+00', 1, 91498.24922585, 99998.248909960, 100000, 8499.999684110, 16999.8508360175, 8499.8511519075, false, '{"BTCUSDT": "65000.5", "ETHUSDT": "3000.25"}', '{"max_exposure": "0.50", "max_position": "0.10", "max_daily_drawdown": "0.05"}'),
	(3, 'SOLUSDT:momentum_v1:10', 'approved', NULL, NULL, 56.61849230, '2026-11-20 12:00:01+00', 1, 91498.24922585, 99998.248909960, 100000, 16999.8508360175, 25499.70199255500, 8499.85115653750, false, '{"BTCUSDT": "65000.5", "ETHUSDT": "3000.25", "SOLUSDT": "150.125"}', '{"max_exposure": "0.50", "max_position": "0.10", "max_daily_drawdown": "0.05"}'),
	(4, 'BTCUSDT:momentum_v1:11', 'rejected', 5, 'POSITION_SIZE_EXCEEDED', NULL, '2026-11-20 12:00:01.1+00', 3, 74494.22023081, 99993.92222336500, 100000, 25499.70199255500, 25499.70199255500, 8499.999684110, false, '{"BTCUSDT": "65000.5", "ETHUSDT": "3000.25", "SOLUSDT": "150.125"}', '{"max_exposure": "0.50", "max_position": "0.10", "max_daily_drawdown": "0.05"}'),
	(5, 'BTCUSDT:momentum_v1:13', 'approved', NULL, NULL, 0.13076822, '2026-11-20 12:00:01.3+00', 3, 74494.22023081, 100124.72313542000, 100000, 25630.50290461000, 25630.50290461000, 8630.8005961650, false, '{"BTCUSDT": "66000.75", "ETHUSDT": "3000.25", "SOLUSDT": "150.125"}', '{"max_exposure": "0.50", "max_position": "0.10", "max_daily_drawdown": "0.05"}'),
	(6, 'ETHUSDT:momentum_v1:15', 'approved', NULL, NULL, 2.83304763, '2026-11-20 12:00:01.5+00', 4, 83123.05311491, 100093.71668514750, 100000, 16970.66357023750, 16970.66357023750, 8470.81241370, false, '{"ETHUSDT": "2990", "SOLUSDT": "150.125"}', '{"max_exposure": "0.50", "max_position": "0.10", "max_daily_drawdown": "0.05"}'),
	(7, 'ETHUSDT:momentum_v1:16', 'rejected', NULL, 'NO_POSITION', NULL, '2026-11-20 12:00:01.6+00', 5, 91591.70560275, 100091.55675928750, 100000, 8499.85115653750, 8499.85115653750, 0, false, '{"ETHUSDT": "2990", "SOLUSDT": "150.125"}', '{"max_exposure": "0.50", "max_position": "0.10", "max_daily_drawdown": "0.05"}'),
	(8, 'XRPUSDT:momentum_v1:17', 'approved', NULL, NULL, 16361.11985488, '2026-11-20 12:00:01.7+00', 5, 91591.70560275, 100091.55675928750, 100000, 8499.85115653750, 17007.63348107510, 8507.7823245376, false, '{"SOLUSDT": "150.125", "XRPUSDT": "0.52"}', '{"max_exposure": "0.50", "max_position": "0.10", "max_daily_drawdown": "0.05"}'),
	(9, 'ADAUSDT:momentum_v1:19', 'rejected', 3, 'DRAWDOWN_LIMIT', NULL, '2026-11-20 12:00:01.9+00', 7, 85256.02628854, 93755.87744507750, 100000, 8499.85115653750, 8499.85115653750, 0, false, '{"ADAUSDT": "0.377102", "SOLUSDT": "150.125"}', '{"max_exposure": "0.50", "max_position": "0.10", "max_daily_drawdown": "0.05"}'),
	(10, 'DOTUSDT:momentum_v1:20', 'rejected', 2, 'CIRCUIT_BREAKER_ACTIVE', NULL, '2026-11-20 12:00:02+00', 7, 85256.02628854, 93755.87744507750, 100000, 8499.85115653750, 8499.85115653750, 0, true, '{"DOTUSDT": "5.6489", "SOLUSDT": "150.125"}', '{"max_exposure": "0.50", "max_position": "0.10", "max_daily_drawdown": "0.05"}'),
	(11, 'LTCUSDT:momentum_v1:22', 'approved', NULL, NULL, 111.45803612, '2026-11-20 12:00:02.2+00', 7, 85256.02628854, 93755.87744507750, 94000, 8499.85115653750, 16469.10073911750, 7969.249582580, false, '{"LTCUSDT": "71.5", "SOLUSDT": "150.125"}', '{"max_exposure": "0.50", "max_position": "0.10", "max_daily_drawdown": "0.05"}'),
	(12, 'DOTUSDT:momentum_v1:23', 'approved', NULL, NULL, 1410.73720925, '2026-11-20 12:00:02.3+00', 8, 77285.17480630, 93754.27554541750, 94000, 16469.10073911750, 24438.214160449825, 7969.113421332325, false, '{"DOTUSDT": "5.6489", "LTCUSDT": "71.5", "SOLUSDT": "150.125"}', '{"max_exposure": "0.50", "max_position": "0.10", "max_daily_drawdown": "0.05"}'),
	(13, 'DOTUSDT:momentum_v1:24', 'rejected', 5, 'POSITION_SIZE_EXCEEDED', NULL, '2026-11-20 12:00:02.4+00', 8, 77285.17480630, 93754.27554541750, 94000, 24438.214160449825, 24438.214160449825, 7969.113421332325, false, '{"DOTUSDT": "5.6489", "LTCUSDT": "71.5", "SOLUSDT": "150.125"}', '{"max_exposure": "0.50", "max_position": "0.10", "max_daily_drawdown": "0.05"}');
INSERT INTO public.equity OVERRIDING SYSTEM VALUE VALUES
	(1, '2026-11-20', 'day_open', 100000, '2026-11-20 12:00:00.1+00'),
	(2, '2026-11-20', 'breaker_reset', 94000, '2026-11-20 12:00:02.1+00');
INSERT INTO public.fills OVERRIDING SYSTEM VALUE VALUES
	(1, 'fill:order:BTCUSDT:momentum_v1:8', 'order:BTCUSDT:momentum_v1:8', 'position:order:BTCUSDT:momentum_v1:8', 'BTCUSDT', 'BUY', 0.13076822, 65007.39005300, 8500.90068408, 0.85009007, 1.06, NULL, '2026-11-20 12:00:00.8+00'),
	(2, 'fill:order:ETHUSDT:momentum_v1:9', 'order:ETHUSDT:momentum_v1:9', 'position:order:ETHUSDT:momentum_v1:9', 'ETHUSDT', 'BUY', 2.83304763, 3000.70603800, 8501.14312928, 0.85011431, 1.52, NULL, '2026-11-20 12:00:01+00'),
	(3, 'fill:order:SOLUSDT:momentum_v1:10', 'order:SOLUSDT:momentum_v1:10', 'position:order:SOLUSDT:momentum_v1:10', 'SOLUSDT', 'BUY', 56.61849230, 150.14856962, 8501.18563289, 0.85011856, 1.57, NULL, '2026-11-20 12:00:01+00'),
	(4, 'fill:order:BTCUSDT:momentum_v1:13', 'order:BTCUSDT:momentum_v1:13', 'position:order:BTCUSDT:momentum_v1:8', 'BTCUSDT', 'SELL', 0.13076822, 65992.30190400, 8629.69585369, 0.86296959, 1.28, 127.08210995, '2026-11-20 12:00:01.3+00'),
	(5, 'fill:order:ETHUSDT:momentum_v1:15', 'order:ETHUSDT:momentum_v1:15', 'position:order:ETHUSDT:momentum_v1:9', 'ETHUSDT', 'SELL', 2.83304763, 2989.53655000, 8469.49943778, 0.84694994, 1.55, -33.34075575, '2026-11-20 12:00:01.5+00'),
	(6, 'fill:order:XRPUSDT:momentum_v1:17', 'order:XRPUSDT:momentum_v1:17', 'position:order:XRPUSDT:momentum_v1:17', 'XRPUSDT', 'BUY', 16361.11985488, 0.520062920, 8508.81176620, 0.85088118, 1.21, NULL, '2026-11-20 12:00:01.7+00'),
	(7, 'fill:stop:position:order:XRPUSDT:momentum_v1:17:18', 'stop:position:order:XRPUSDT:momentum_v1:17:18', 'position:order:XRPUSDT:momentum_v1:17', 'XRPUSDT', 'SELL', 16361.11985488, 0.499648000, 8174.80081325, 0.81748008, 7.04, -335.67931421, '2026-11-20 12:00:01.8+00'),
	(8, 'fill:order:LTCUSDT:momentum_v1:22', 'order:LTCUSDT:momentum_v1:22', 'position:order:LTCUSDT:momentum_v1:22', 'LTCUSDT', 'BUY', 111.45803612, 71.50722150, 7970.05447679, 0.79700545, 1.01, NULL, '2026-11-20 12:00:02.2+00');
INSERT INTO public.marks VALUES
	('BTCUSDT', 66000.75, 13, 1795176001300000000),
	('ETHUSDT', 2990, 16, 1795176001600000000),
	('SOLUSDT', 150.125, 10, 1795176001000000000),
	('XRPUSDT', 0.5, 18, 1795176001800000000),
	('ADAUSDT', 0.377102, 19, 1795176001900000000),
	('DOTUSDT', 5.6489, 24, 1795176002400000000),
	('LTCUSDT', 71.5, 22, 1795176002200000000);
INSERT INTO public.orders OVERRIDING SYSTEM VALUE VALUES
	(1, 'order:BTCUSDT:momentum_v1:8', 'signal', 'BTCUSDT:momentum_v1:8', NULL, 8, 'BTCUSDT', 'BUY', 0.13076822, 65000.5, 0.0002, '2026-11-20 12:00:00.8+00', 'filled', '2026-11-20 12:00:00.8+00', NULL),
	(2, 'order:ETHUSDT:momentum_v1:9', 'signal', 'ETHUSDT:momentum_v1:9', NULL, 9, 'ETHUSDT', 'BUY', 2.83304763, 3000.25, 0.0002, '2026-11-20 12:00:01+00', 'filled', '2026-11-20 12:00:01+00', NULL),
	(3, 'order:SOLUSDT:momentum_v1:10', 'signal', 'SOLUSDT:momentum_v1:10', NULL, 10, 'SOLUSDT', 'BUY', 56.61849230, 150.125, 0.0002, '2026-11-20 12:00:01+00', 'filled', '2026-11-20 12:00:01+00', NULL),
	(4, 'order:BTCUSDT:momentum_v1:13', 'signal', 'BTCUSDT:momentum_v1:13', NULL, 13, 'BTCUSDT', 'SELL', 0.13076822, 66000.75, 0.0002, '2026-11-20 12:00:01.3+00', 'filled', '2026-11-20 12:00:01.3+00', NULL),
	(5, 'order:ETHUSDT:momentum_v1:15', 'signal', 'ETHUSDT:momentum_v1:15', NULL, 15, 'ETHUSDT', 'SELL', 2.83304763, 2990, 0.0002, '2026-11-20 12:00:01.5+00', 'filled', '2026-11-20 12:00:01.5+00', NULL),
	(6, 'order:XRPUSDT:momentum_v1:17', 'signal', 'XRPUSDT:momentum_v1:17', NULL, 17, 'XRPUSDT', 'BUY', 16361.11985488, 0.52, 0.0002, '2026-11-20 12:00:01.7+00', 'filled', '2026-11-20 12:00:01.7+00', NULL),
	(7, 'stop:position:order:XRPUSDT:momentum_v1:17:18', 'stop_loss', NULL, 'position:order:XRPUSDT:momentum_v1:17', 18, 'XRPUSDT', 'SELL', 16361.11985488, 0.5, 0.00192308, '2026-11-20 12:00:01.8+00', 'filled', '2026-11-20 12:00:01.8+00', NULL),
	(8, 'order:LTCUSDT:momentum_v1:22', 'signal', 'LTCUSDT:momentum_v1:22', NULL, 22, 'LTCUSDT', 'BUY', 111.45803612, 71.5, 0.0002, '2026-11-20 12:00:02.2+00', 'filled', '2026-11-20 12:00:02.2+00', NULL),
	(9, 'order:DOTUSDT:momentum_v1:23', 'signal', 'DOTUSDT:momentum_v1:23', NULL, 23, 'DOTUSDT', 'BUY', 1410.73720925, 5.6489, 0.0002, '2026-11-20 12:00:02.3+00', 'placed', NULL, NULL);
INSERT INTO public.positions VALUES
	('SOLUSDT', 'position:order:SOLUSDT:momentum_v1:10', 56.61849230, 8502.03575145, '2026-11-20 12:00:01+00', '2026-11-20 12:00:01+00'),
	('BTCUSDT', 'position:order:BTCUSDT:momentum_v1:8', 0.00000000, 0.00000000, '2026-11-20 12:00:00.8+00', '2026-11-20 12:00:01.3+00'),
	('ETHUSDT', 'position:order:ETHUSDT:momentum_v1:9', 0.00000000, 0.00000000, '2026-11-20 12:00:01+00', '2026-11-20 12:00:01.5+00'),
	('XRPUSDT', 'position:order:XRPUSDT:momentum_v1:17', 0.00000000, 0.00000000, '2026-11-20 12:00:01.7+00', '2026-11-20 12:00:01.8+00'),
	('LTCUSDT', 'position:order:LTCUSDT:momentum_v1:22', 111.45803612, 7970.85148224, '2026-11-20 12:00:02.2+00', '2026-11-20 12:00:02.2+00');
INSERT INTO public.signals VALUES
	('BTCUSDT:momentum_v1:8', 'BTCUSDT', 'BUY', 'momentum_v1', 0.5, 65000.5, 0.0002, 8, '2026-11-20 12:00:00.8+00', '2026-11-20 12:00:00.8+00'),
	('ETHUSDT:momentum_v1:9', 'ETHUSDT', 'BUY', 'momentum_v1', 0.5, 3000.25, 0.0002, 9, '2026-11-20 12:00:00.9+00', '2026-11-20 12:00:00.9+00'),
	('SOLUSDT:momentum_v1:10', 'SOLUSDT', 'BUY', 'momentum_v1', 0.5, 150.125, 0.0002, 10, '2026-11-20 12:00:01+00', '2026-11-20 12:00:01+00'),
	('BTCUSDT:momentum_v1:11', 'BTCUSDT', 'BUY', 'momentum_v1', 0.5, 65000.5, 0.0002, 11, '2026-11-20 12:00:01.1+00', '2026-11-20 12:00:01.1+00'),
	('BTCUSDT:momentum_v1:13', 'BTCUSDT', 'SELL', 'momentum_v1', 0.5, 66000.75, 0.0002, 13, '2026-11-20 12:00:01.3+00', '2026-11-20 12:00:01.3+00'),
	('ETHUSDT:momentum_v1:15', 'ETHUSDT', 'SELL', 'momentum_v1', 0.5, 2990, 0.0002, 15, '2026-11-20 12:00:01.5+00', '2026-11-20 12:00:01.5+00'),
	('ETHUSDT:momentum_v1:16', 'ETHUSDT', 'SELL', 'momentum_v1', 0.5, 2990, 0.0002, 16, '2026-11-20 12:00:01.6+00', '2026-11-20 12:00:01.6+00'),
	('XRPUSDT:momentum_v1:17', 'XRPUSDT', 'BUY', 'momentum_v1', 0.5, 0.52, 0.0002, 17, '2026-11-20 12:00:01.7+00', '2026-11-20 12:00:01.7+00'),
	('ADAUSDT:momentum_v1:19', 'ADAUSDT', 'BUY', 'momentum_v1', 0.5, 0.377102, 0.0002, 19, '2026-11-20 12:00:01.9+00', '2026-11-20 12:00:01.9+00'),
	('DOTUSDT:momentum_v1:20', 'DOTUSDT', 'BUY', 'momentum_v1', 0.5, 5.6489, 0.0002, 20, '2026-11-20 12:00:02+00', '2026-11-20 12:00:02+00'),
	('LTCUSDT:momentum_v1:22', 'LTCUSDT', 'BUY', 'momentum_v1', 0.5, 71.5, 0.0002, 22, '2026-11-20 12:00:02.2+00', '2026-11-20 12:00:02.2+00'),
	('DOTUSDT:momentum_v1:23', 'DOTUSDT', 'BUY', 'momentum_v1', 0.5, 5.6489, 0.0002, 23, '2026-11-20 12:00:02.3+00', '2026-11-20 12:00:02.3+00'),
	('DOTUSDT:momentum_v1:24', 'DOTUSDT', 'BUY', 'momentum_v1', 0.5, 5.6489, 0.0002, 24, '2026-11-20 12:00:02.4+00', '2026-11-20 12:00:02.4+00');
INSERT INTO public.test_adjustments OVERRIDING SYSTEM VALUE VALUES
	(1, -6000, 'test', '2026-11-20 12:00:01.8+00');
SELECT pg_catalog.setval('public.breaker_breaker_seq_seq', 2, true);
SELECT pg_catalog.setval('public.decisions_decision_seq_seq', 13, true);
SELECT pg_catalog.setval('public.equity_equity_seq_seq', 2, true);
SELECT pg_catalog.setval('public.fills_fill_seq_seq', 8, true);
SELECT pg_catalog.setval('public.orders_order_seq_seq', 9, true);
SELECT pg_catalog.setval('public.test_adjustments_adjustment_seq_seq', 1, true);
ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.breaker
    ADD CONSTRAINT breaker_pkey PRIMARY KEY (breaker_seq);
ALTER TABLE ONLY public.decisions
    ADD CONSTRAINT decisions_decision_seq_key UNIQUE (decision_seq);
ALTER TABLE ONLY public.decisions
    ADD CONSTRAINT decisions_pkey PRIMARY KEY (signal_id);
ALTER TABLE ONLY public.equity
    ADD CONSTRAINT equity_pkey PRIMARY KEY (equity_seq);
ALTER TABLE ONLY public.fills
    ADD CONSTRAINT fills_fill_seq_key UNIQUE (fill_seq);
ALTER TABLE ONLY public.fills
    ADD CONSTRAINT fills_order_id_key UNIQUE (order_id);
ALTER TABLE ONLY public.fills
    ADD CONSTRAINT fills_pkey PRIMARY KEY (fill_id);
ALTER TABLE ONLY public.marks
    ADD CONSTRAINT marks_pkey PRIMARY KEY (symbol);
ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_order_seq_key UNIQUE (order_seq);
ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (order_id);
ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_signal_id_key UNIQUE (signal_id);
ALTER TABLE ONLY public.positions
    ADD CONSTRAINT positions_pkey PRIMARY KEY (symbol);
ALTER TABLE ONLY public.signals
    ADD CONSTRAINT signals_pkey PRIMARY KEY (signal_id);
ALTER TABLE ONLY public.test_adjustments
    ADD CONSTRAINT test_adjustments_pkey PRIMARY KEY (adjustment_seq);
CREATE INDEX decisions_decided_at_idx ON public.decisions USING btree (decided_at) WHERE (verdict = 'approved'::text);
CREATE UNIQUE INDEX equity_day_idx ON public.equity USING btree (day) WHERE (cause = 'day_open'::text);
CREATE INDEX orders_placed_at_idx ON public.orders USING btree (placed_at) WHERE (state = 'placed'::text);
ALTER TABLE ONLY public.decisions
    ADD CONSTRAINT decisions_signal_id_fkey FOREIGN KEY (signal_id) REFERENCES public.signals(signal_id);
ALTER TABLE ONLY public.fills
    ADD CONSTRAINT fills_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(order_id);
ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_signal_id_fkey FOREIGN KEY (signal_id) REFERENCES public.decisions(signal_id);
