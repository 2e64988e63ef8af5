import Dialects
import Testing

@testable import Access

// What a call may cost, by the targets that may be asked.
extension RequestBoundTests {
    @Test("all models that a request names beside its own are found")
    func models() {
        let text =
            #"{"model":"a","models":["b","\u0063"],"tools":[{"model":"d"}],"#
            + #""metadata":{"model":"x"},"messages":[{"content":"model"}]}"#
        #expect(Self.bound(text).models == ["b", "c", "d"])
    }

    static func models(_ names: String...) -> [PricedModel] {
        names.map { PricedModel(name: $0, vendor: "v", dialect: .openai) }
    }

    @Test("a call is bounded by the dearest target that may be asked")
    func dearest() throws {
        let prices = Prices(rates: ["cheap": 1, "dear": 10])
        let request = Self.bound(#"{"max_tokens":100}"#)
        let bound = try CallBound(
            request, at: Self.models("cheap", "dear"), prices, outputDefault: 8, isPriced: true,
            allowsUnpriced: false)
        #expect(bound.input == 18 && bound.nanodollars == 1180)
        #expect(bound.expectedTokens == 104)
    }

    @Test("without a limit an answer may be as long as the model makes one, or the default")
    func defaults() throws {
        let prices = Prices(
            most: ["m": (input: 10, output: 50)], rates: ["m": 1, "n": 1])
        let request = Self.bound(#"{"messages":["a long prompt"]}"#)
        func bound(_ model: String) throws -> CallBound {
            try CallBound(
                request, at: Self.models(model), prices, outputDefault: 8, isPriced: true,
                allowsUnpriced: false)
        }
        #expect(try bound("m").nanodollars == 60, "and no prompt is longer than the model takes")
        #expect(try bound("n").nanodollars == request.input + 8)
    }

    @Test("a model without a price, and a prompt without a bound, are refused under a budget")
    func obstacles() throws {
        let prices = Prices(
            most: ["whole": (input: 1000, output: nil)], rates: ["m": 1, "whole": 1])
        let open = Self.bound(#"{"previous_response_id":"r","max_tokens":1}"#)
        func bound(
            _ request: RequestBound, _ model: String, isPriced: Bool = true,
            allows: Bool = false
        ) throws -> CallBound {
            try CallBound(
                request, at: Self.models(model), prices, outputDefault: 8, isPriced: isPriced,
                allowsUnpriced: allows)
        }
        let plain = Self.bound("{}")
        #expect(throws: CallBound.Obstacle.unpriced(Self.models("x")[0])) {
            try bound(plain, "x")
        }
        #expect(try bound(plain, "x", allows: true).nanodollars == 0)
        #expect(try bound(plain, "x", isPriced: false).expectedTokens == 8)
        #expect(throws: CallBound.Obstacle.openEnded(Self.models("m")[0])) { try bound(open, "m") }
        #expect(try bound(open, "whole").nanodollars == 1001)
        let unread = RequestBound(unreadBytes: 5)
        #expect(throws: CallBound.Obstacle.unread(Self.models("m")[0])) { try bound(unread, "m") }
        #expect(try bound(unread, "whole").nanodollars == 1000 + 128 * 8)
        #expect(try bound(open, "m", isPriced: false).nanodollars == 0)
    }

    @Test("what a call is charged depends on how it ended")
    func charges() {
        var held = Demand()
        held.isWork = true
        held.tokens = 100
        held.nanodollars = 1000
        func charge(_ change: (inout CallEnd) -> Void) -> Charge {
            var end = CallEnd()
            end.wasSent = true
            change(&end)
            return .of(end, held: held, input: 20) { 3 * ($0 + $1) }
        }
        var usage = Usage()
        (usage.input, usage.output, usage.cacheRead) = (11_000, 5, 10_000)
        let reported = charge {
            $0.usage = usage
            $0.nanodollars = 5000
            $0.isWhole = true
        }
        // What a cache had does not count against rates; a debt is not cut.
        #expect(reported == Charge(tokens: 1005, nanodollars: 5000, basis: .reported))
        #expect(
            charge { $0.usage = usage }
                == Charge(tokens: 1005, nanodollars: 1000, basis: .reserved))
        #expect(charge { $0.wasSent = false } == .free)
        #expect(charge { $0.isVendorsRefusal = true } == .free)
        #expect(charge { _ in } == Charge(tokens: 20, nanodollars: 60, basis: .estimated))
        #expect(
            charge { $0.answerBytes = 30 }
                == Charge(tokens: 50, nanodollars: 150, basis: .estimated))
        #expect(
            charge { $0.answerBytes = 9000 }
                == Charge(tokens: 100, nanodollars: 1000, basis: .estimated))
        // A prompt that the vendor reported before an answer broke off is no estimate any more.
        var soFar = Usage()
        (soFar.input, soFar.output, soFar.cacheRead) = (12, 30, 4)
        #expect(
            charge {
                $0.usageSoFar = soFar
                $0.nanodollars = 70
                $0.answerBytes = 30
            } == Charge(tokens: 38, nanodollars: 70, basis: .estimated))
        #expect(
            charge { $0.usageSoFar = soFar }
                == Charge(tokens: 38, nanodollars: 3 * 42, basis: .estimated))
        soFar.input = 50_000
        #expect(
            charge {
                $0.usageSoFar = soFar
                $0.nanodollars = 70_000
            } == Charge(tokens: 100, nanodollars: 1000, basis: .estimated))
        #expect(
            charge { $0.isWhole = true }
                == Charge(tokens: 100, nanodollars: 1000, basis: .reserved))
        // What the vendor reported is owed, whatever was held; and hold_max hides no cost.
        #expect(
            charge {
                $0.usageSoFar = soFar
                $0.nanodollars = 70_000
                ($0.leastTokens, $0.leastNanodollars) = (49_996, 60_000)
            } == Charge(tokens: 49_996, nanodollars: 60_000, basis: .estimated))
        var end = CallEnd()
        end.wasSent = true
        end.answerBytes = 9000
        let beyond = Charge.of(end, held: held, most: 8000, input: 20) { 3 * ($0 + $1) }
        #expect(beyond == Charge(tokens: 100, nanodollars: 8000, basis: .estimated))
        held.isWork = false
        #expect(charge { $0.usage = usage } == .free)
        for basis in Charge.Basis.allCases { #expect(Charge.Basis(number: basis.number) == basis) }
        #expect(Charge.Basis(number: 0) == .reserved)
    }
}
